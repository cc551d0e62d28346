import { join } from 'node:path'
import { startOxbow, startStreams, type Peer } from './peers.ts'

/** Who counts by key and window. All write a result for every event. */
export const counters: { readonly [name: string]: Peer } = {
  'Kafka Streams': { threads: [1, 2], start: (job) => startCounting(job, {}) },
  'Kafka Streams (larger batches)': {
    threads: [1, 2],
    start: (job) => startCounting(job, { 'producer.batch.size': '262144', 'max.poll.records': '4000' }),
  },
  Oxbow: { threads: [1, 2], start: (job) => startOxbow(job, join(import.meta.dirname, 'counting.yaml')) },
}

/** Its record cache would leave out results: it is off. */
const startCounting = (job: Parameters<Peer['start']>[0], settings: { readonly [name: string]: string }) =>
  startStreams(job, { 'statestore.cache.max.bytes': '0', ...settings }, 'CountStream')
