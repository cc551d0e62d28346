/**
 * The workload of the design's budgets on a real Kafka, Oxbow beside its peers in the same run: events of four
 * partitions, one in twenty of them poison, to a topic and a dead-letter topic. See README.md.
 *
 *   npm run bench:kafka
 *   OXBOW_EVENTS=200000 OXBOW_ROUNDS=1 OXBOW_PEERS="Oxbow,Kafka Streams" OXBOW_THREADS=1 npm run bench:kafka
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from '../test/support/kafka/cluster.ts'
import { barChart } from './kafka/barChart.ts'
import { guarantees, type Measurement } from './kafka/job.ts'
import { measure } from './kafka/measure.ts'
import { peers } from './kafka/peers.ts'
import { summaries, tableOf } from './kafka/summary.ts'
import { fill } from './kafka/topics.ts'

const listed = <T>(name: string, all: readonly T[]): readonly T[] => {
  const given = process.env[name]?.split(',')
  return all.filter((each) => given?.includes(String(each)) ?? true)
}

const events = Number(process.env['OXBOW_EVENTS'] ?? 1_000_000)
const rounds = Number(process.env['OXBOW_ROUNDS'] ?? 3)
/** Measurements of earlier runs that this file holds count too. */
const results = process.env['OXBOW_RESULTS'] ?? join(tmpdir(), `oxbow-bench-${process.pid}.jsonl`)
const chart = process.env['OXBOW_CHART']

/** Those to be compared run one after another, in the same minutes. */
const wanted = listed('OXBOW_GUARANTEES', guarantees).flatMap((guarantee) =>
  listed('OXBOW_THREADS', [1, 2]).flatMap((threads) =>
    listed('OXBOW_PEERS', Object.keys(peers))
      .filter((name) => peers[name]!.threads.includes(threads))
      .map((name) => ({ name, guarantee, threads })),
  ),
)

const cluster = await Cluster.start({ nodes: 1, heap: '1g' })
try {
  const kafka = cluster.bootstrap[0]!
  await fill(kafka, 'bench.prices', events)
  for (let round = 1; round <= rounds; round++) {
    for (const { name, guarantee, threads } of wanted) {
      const job = { kafka, group: `bench-${process.pid}-${round}`, guarantee, threads, input: 'bench.prices' }
      const measurement = await measure(name, peers[name]!, job, { events, broker: cluster.nodes[0]!.pid! })
      appendFileSync(results, `${JSON.stringify(measurement)}\n`)
      console.error(JSON.stringify(measurement))
    }
  }
} finally {
  cluster.kill()
}

const all = readFileSync(results, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Measurement)
console.log(tableOf(summaries(all)))
if (chart) writeFileSync(chart, barChart(summaries(all)))
