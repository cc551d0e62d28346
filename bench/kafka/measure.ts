import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pythonWithKafka } from '../../test/faults/kafka/python.ts'
import type { Job, Measurement } from './job.ts'
import type { Peer } from './peers.ts'
import { cpuSeconds, peakMemory } from './processUse.ts'
import { createTopics, deleteTopics, partitions } from './topics.ts'
import { watch, type Watched } from './watch.ts'

const patience = 900_000
const run = promisify(execFile)

export interface Setting {
  readonly events: number
  /** The broker's process. */
  readonly broker: number
  /** What judges the output in the end. */
  readonly judge: 'count.py' | 'countWindows.py'
}

/** Runs a peer over the whole input into fresh topics, then lets librdkafka count what became of each event. */
export async function measure(
  name: string,
  peer: Peer,
  job: Omit<Job, 'output' | 'dead'>,
  { events, broker, judge }: Setting,
): Promise<Measurement> {
  const group = `${job.group}-${name.replace(/\W+/g, '-')}-${job.guarantee}-${job.threads}`.toLowerCase()
  const output = `${group}.clean`
  const dead = `${group}.dead`
  const topics = [output, dead]
  await createTopics(job.kafka, topics)
  try {
    const { first, last, seconds, memory, cpu, brokerCpu } = await work(
      name,
      peer,
      { ...job, group, output, dead },
      { topics, expected: events, broker },
    )
    const { lost, doubled } = await count(judge, job.kafka, events, topics)
    return {
      peer: name,
      guarantee: job.guarantee,
      threads: job.threads,
      events,
      seconds,
      rate: Math.round((events - first.count) / ((last - first.at) / 1_000)),
      memory,
      cpu,
      brokerCpu,
      lost,
      doubled,
    }
  } finally {
    await deleteTopics(job.kafka, topics)
  }
}

/** What a peer took until its outcomes could be read. */
export interface Work extends Watched, Pick<Measurement, 'seconds' | 'memory' | 'cpu' | 'brokerCpu'> {}

/** Runs a peer until so many of its outcomes can be read, then stops it. */
export async function work(
  name: string,
  peer: Peer,
  job: Job,
  { topics, expected, broker }: { readonly topics: string[]; readonly expected: number; readonly broker: number },
): Promise<Work> {
  const brokerBefore = cpuSeconds(broker)
  const started = performance.now()
  const child = peer.start(job)
  const ended = new AbortController()
  const exit = once(child, 'exit').then(([code]) => ended.abort(new Error(`${name} ended with ${String(code)}`)))
  try {
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(patience)])
    const { first, last } = await watch(job.kafka, { topics, partitions, expected, signal })
    const cpu = cpuSeconds(child.pid!)
    const brokerCpu = cpuSeconds(broker) - brokerBefore
    const memory = peakMemory(child.pid!)
    child.kill('SIGTERM')
    await exit
    return { first, last, seconds: (last - started) / 1_000, memory, cpu, brokerCpu }
  } finally {
    child.kill('SIGKILL')
  }
}

/** By librdkafka, which has no part in any of the peers. */
export async function count(
  judge: Setting['judge'],
  kafka: string,
  events: number,
  topics: readonly string[],
): Promise<{ readonly lost: number; readonly doubled: number }> {
  const { stdout } = await run(pythonWithKafka(), [join(import.meta.dirname, judge), kafka, String(events), ...topics])
  return JSON.parse(stdout) as { lost: number; doubled: number }
}
