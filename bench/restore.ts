/**
 * How long a count of very many keys takes to be there again when its local state is gone, on a real Kafka, Oxbow beside
 * Kafka Streams with RocksDB in the same run. See README.md.
 *
 *   npm run bench:restore
 *   OXBOW_KEYS=20000 npm run bench:restore
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { partitionOf } from '../src/broker/partition.ts'
import { Cluster } from '../test/support/kafka/cluster.ts'
import { priceEvent } from './events.ts'
import { counters } from './kafka/counters.ts'
import { count, work, type Work } from './kafka/measure.ts'
import { markdown, yardstick } from './kafka/summary.ts'
import { createTopics, fill, partitions, type Keyed } from './kafka/topics.ts'
import { recordsIn } from './kafka/watch.ts'

const keys = Number(process.env['OXBOW_KEYS'] ?? 1_000_000)
const systems = [yardstick, 'Oxbow']
const input = 'bench.counted'
const hour = 3_600_000
/** All events lie in one window, so that its state has one entry for each key. */
const timestamp = String(Math.floor(Date.now() / hour) * hour)

const event = (n: number): Keyed => ({ key: `key-${n}`, value: priceEvent(n), timestamp })

/** One event of every partition, by a key that was counted before: the last of their results tells that all is restored. */
const probes = Array.from({ length: partitions }, (_, partition) => {
  let n = 0
  while (partitionOf(Buffer.from(event(n).key), partitions) !== partition) n++
  return event(n)
})

/** What a system took to be there again. */
interface Restart extends Work {
  readonly system: string
  readonly isKept: boolean
  readonly said: Said
}

/** By the system's own log. */
interface Said {
  /** Milliseconds from the start of the process until it said that it runs. */
  readonly running: number
  /** Undefined where it said nothing of it: Oxbow is silent about a partition that takes less than three seconds. */
  readonly restored: number | undefined
}

const cluster = await Cluster.start({ nodes: 1, heap: '1g' })
const kafka = cluster.bootstrap[0]!
const admin = new Kafka({ brokers: [kafka], logLevel: logLevel.NOTHING }).admin()
const home = mkdtempSync(join(tmpdir(), 'oxbow-restore-'))
try {
  await admin.connect()
  await fill(kafka, input, keys, event)
  for (const system of systems) await run(system, 'first', keys)
  const changelogs = new Map<string, number>()
  for (const system of systems) changelogs.set(system, await changelogRecords(system))
  const restarts: Restart[] = []
  for (const isKept of [false, true]) {
    await fill(kafka, input, partitions, (n) => probes[n]!)
    for (const system of systems) {
      if (!isKept) rmSync(directoryOf(system), { recursive: true })
      const restart = await run(system, isKept ? 'kept' : 'gone', partitions)
      console.error(JSON.stringify({ system, isKept, ...restart }))
      restarts.push({ system, isKept, ...restart })
    }
  }
  await fill(kafka, input, keys, event)
  const lost = new Map<string, number>()
  for (const system of systems) lost.set(system, await countedAgain(system))
  console.log(table(restarts, changelogs, lost))
} finally {
  await admin.disconnect()
  cluster.kill()
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

/** Has a system work until so many results of this phase can be read, and waits until its group has no members left. */
async function run(system: string, phase: string, expected: number): Promise<Work & { readonly said: Said }> {
  const group = groupOf(system)
  const output = outputOf(system, phase)
  const dead = `${group}.dead`
  await createTopics(kafka, [output, dead])
  const file = join(home, `${output}.log`)
  const journal = openSync(file, 'w')
  const began = Date.now()
  const job = { kafka, group, guarantee: 'exactlyOnce', threads: 1, input, output, dead } as const
  const done = await work(
    system,
    counters[system]!,
    { ...job, directory: directoryOf(system), journal },
    { topics: [output], expected, broker: cluster.nodes[0]!.pid! },
  )
  closeSync(journal)
  await emptied(group)
  return { ...done, said: saidIn(readFileSync(file, 'utf8'), began) }
}

/** Kafka Streams does not leave its group when it stops: the next start would wait for the session of the last. */
async function emptied(group: string): Promise<void> {
  for (;;) {
    const { groups } = await admin.describeGroups([group])
    if (groups[0]!.state === 'Empty') return
    await setTimeout(200)
  }
}

function saidIn(log: string, began: number): Said {
  const lines = log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { time: string; message: string; records?: number })
  const running = lines.find(({ message }) => message.startsWith('Running'))
  if (!running) throw new Error(`There were results, but the log does not say that it runs:\n${log}`)
  const restored = lines.filter(({ message }) => message.startsWith('Restored'))
  return {
    running: Date.parse(running.time) - began,
    restored: restored.length > 0 ? restored.reduce((sum, { records = 0 }) => sum + records, 0) : undefined,
  }
}

/** How many records a start without local state has to read. */
async function changelogRecords(system: string): Promise<number> {
  const topics = await admin.listTopics()
  const changelog = topics.find((topic) => topic.includes(groupOf(system)) && topic.endsWith('changelog'))
  if (changelog === undefined) throw new Error(`${system} has no changelog; there are ${topics.join(', ')}.`)
  return recordsIn(kafka, changelog, partitions)
}

/** Counts every key once more, on the state that was restored, and says how many events the counts do not tell of. */
async function countedAgain(system: string): Promise<number> {
  await run(system, 'again', keys)
  const { lost } = await count('countWindows.py', kafka, 2 * (keys + partitions), [outputOf(system, 'again')])
  return lost
}

function table(
  restarts: readonly Restart[],
  changelogs: ReadonlyMap<string, number>,
  lost: ReadonlyMap<string, number>,
): string {
  const columns = [
    'local state',
    'system',
    'keys',
    'changelog records',
    's to results',
    'x Kafka Streams',
    'records/s',
    'MiB',
    'CPU s',
    'broker CPU s',
    'says: s to running',
    'says: restored',
    'lost',
  ]
  const lines = restarts.map(({ system, isKept, seconds, memory, cpu, brokerCpu, said }) => {
    const reference = restarts.find((other) => other.system === yardstick && other.isKept === isKept)!
    const records = changelogs.get(system)!
    return [
      isKept ? 'kept' : 'gone',
      system,
      keys.toLocaleString('en'),
      records.toLocaleString('en'),
      seconds.toFixed(1),
      (reference.seconds / seconds).toFixed(2),
      isKept ? '' : Math.round(records / seconds).toLocaleString('en'),
      memory,
      cpu.toFixed(1),
      brokerCpu.toFixed(1),
      (said.running / 1_000).toFixed(1),
      said.restored?.toLocaleString('en') ?? '',
      lost.get(system),
    ]
  })
  return markdown(columns, lines)
}

function groupOf(system: string): string {
  return `restore-${system.replace(/\W+/g, '-').toLowerCase()}`
}

function outputOf(system: string, phase: string): string {
  return `${groupOf(system)}.${phase}`
}

function directoryOf(system: string): string {
  return join(home, groupOf(system))
}
