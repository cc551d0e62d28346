import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from '../../test/support/kafka/cluster.ts'
import { barChart } from './barChart.ts'
import { guarantees, type Measurement } from './job.ts'
import { measure, type Setting } from './measure.ts'
import type { Peer } from './peers.ts'
import { summaries, tableOf } from './summary.ts'
import { fill, type Keyed } from './topics.ts'

/** What peers are to do with as many events as wanted. */
export interface Workload {
  readonly peers: { readonly [name: string]: Peer }
  readonly input: string
  /** The n-th record of the input. */
  readonly record: (n: number) => Keyed
  readonly judge: Setting['judge']
}

const listed = <T>(name: string, all: readonly T[]): readonly T[] => {
  const given = process.env[name]?.split(',')
  return all.filter((each) => given?.includes(String(each)) ?? true)
}

const events = Number(process.env['OXBOW_EVENTS'] ?? 1_000_000)
const rounds = Number(process.env['OXBOW_ROUNDS'] ?? 3)
/** Measurements of earlier runs that this file holds count too. */
const results = process.env['OXBOW_RESULTS'] ?? join(tmpdir(), `oxbow-bench-${process.pid}.jsonl`)
const chart = process.env['OXBOW_CHART']

/** Lets one peer after another do the work on a Kafka node of its own, round by round, and prints the medians. */
export async function compare({ peers, input, record, judge }: Workload): Promise<void> {
  // Those to be compared run one after another, in the same minutes.
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
    await fill(kafka, input, events, record)
    for (let round = 1; round <= rounds; round++) {
      for (const { name, guarantee, threads } of wanted) {
        const job = { kafka, group: `bench-${process.pid}-${round}`, guarantee, threads, input }
        const measurement = await measure(name, peers[name]!, job, { events, broker: cluster.nodes[0]!.pid!, judge })
        appendFileSync(results, `${JSON.stringify(measurement)}\n`)
        console.error(JSON.stringify(measurement))
      }
    }
  } finally {
    cluster.kill()
  }
  const all = summaries(
    readFileSync(results, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Measurement),
  )
  console.log(tableOf(all))
  if (chart) writeFileSync(chart, barChart(all))
}
