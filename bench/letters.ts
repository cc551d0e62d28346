// A dead-letter topic with many letters in many groups: how long the index takes to read it, groups and pages to answer, and the
// letters to be exported, imported, purged and sent back by the real command line. On the embedded broker, or on Kafka where
// KAFKA_BOOTSTRAP_SERVERS names one.
//
//   node bench/letters.ts 1000000 500
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPlace, placeOf } from '../src/cli/brokerOptions.ts'
import { Ledger } from '../src/deadletter/ledger/ledger.ts'
import { deadLetter } from '../src/deadletter/letter.ts'
import { redactor } from '../src/deadletter/redact.ts'
import { RecordedFault } from '../src/record/fault.ts'
import type { OutputRecord } from '../src/record/record.ts'
import { oxbow, report } from './commandLine.ts'
import { peakMemory } from './kafka/processUse.ts'

const letters = Number(process.argv[2] ?? 1_000_000)
const groups = Number(process.argv[3] ?? 500)
/** Of the process that only writes the letters: their topic and its data directory. */
const [name = `letters-${Date.now()}`, given] = process.argv.slice(4)
const directory = given ?? mkdtempSync(join(tmpdir(), 'oxbow-letters-'))
const kafka = process.env['KAFKA_BOOTSTRAP_SERVERS']
const data = join(directory, 'data')
const options = { data, ...(kafka !== undefined && { kafka: kafka.split(',') }) }
const partitions = 4
const [source, topic, copy] = [`${name}.in`, `dlq.${name}`, `dlq.${name}.copy`]

if (given === undefined) {
  try {
    await once(fork(import.meta.filename, [String(letters), String(groups), name, directory]), 'exit')
    await read()
    await use()
  } finally {
    rmSync(directory, { recursive: true })
  }
} else await timed(`${letters.toLocaleString('en')} letters written`, write)

async function write(): Promise<void> {
  const broker = await openPlace(placeOf(options), 'append')
  await broker.ensureTopics([source, topic].map((each) => ({ name: each, partitions })))
  for (let from = 0; from < letters; from += 4_000) {
    const outputs = Array.from({ length: Math.min(4_000, letters - from) }, (_, at) => letter(from + at))
    await broker.commit({ group: 'bench', task: '', outputs, offsets: [], state: [], counts: [] })
  }
  await broker.close()
}

function letter(n: number): OutputRecord {
  const now = Date.now()
  const partition = n % partitions
  const origin = { source, topic: source, partition, offset: BigInt(n), timestamp: now }
  const value = { price: 'free', n, filler: 'x'.repeat(180) }
  const raw = {
    key: Buffer.from(`key-${n % 10_000}`),
    value: Buffer.from(JSON.stringify(value)),
    headers: [],
    timestamp: now,
  }
  const operator = `stream${n % groups}.map`
  const fault = new RecordedFault('expression.failed', `record.price is a string, expected a number, in ${n}`)
  const times = { firstFailedAt: now, failedAt: now }
  const failure = { raw, input: { value, index: '', origin }, operator, fault, attempts: 1, hops: 0, ...times }
  const context = { pipeline: 'bench', revision: 'r', topic, envelope: 'headers', redact: redactor([], []) } as const
  return { ...deadLetter(failure, context), partition }
}

/** Without a file for the index: nobody else is to find it. */
async function read(): Promise<void> {
  const broker = await openPlace(placeOf(options), 'read')
  const ledger = new Ledger(broker, join(directory, 'letters.db'))
  await timed('read into the index', () => ledger.follow([topic]))
  for (const round of ['first', 'second']) {
    await timed(`counts, ${round} time`, () => ledger.counts([topic], Date.now()))
    const all = await timed(`groups, ${round} time`, () => ledger.groups([topic], Date.now()))
    console.log(`${all.length} groups`)
    const page = await timed(`first page, ${round} time`, () => ledger.page({ topic }, 50))
    await timed(`page after it, ${round} time`, () => ledger.page({ topic }, 50, page.next))
    await timed(`first page of a group, ${round} time`, () => ledger.page({ fingerprint: all[7]!.fingerprint }, 50))
    await timed(`letter by its id, ${round} time`, () => ledger.letter(page.letters[0]!.id))
  }
  await ledger.close()
  await broker.close()
}

async function use(): Promise<void> {
  const place = ['--data', data, ...(kafka === undefined ? [] : ['--kafka', kafka])]
  const dlq = async (what: string, ...args: readonly string[]) =>
    report(what, letters, await oxbow(['dlq', ...args, ...place]))
  const file = join(directory, 'letters.jsonl')
  await dlq('exported, and read into the index', 'export', '--topic', topic, '--out', file)
  console.log(`${Math.round(statSync(file).size / 1_048_576)} MiB`)
  await dlq('imported', 'import', file, '--into', copy)
  await dlq('passed over by the same import', 'import', file, '--into', copy)
  await dlq('purged', 'purge', config(copy), '--all', '--open', '--why', 'measured', '--yes')
  await dlq('sent back', 'redrive', config(topic), '--all')
}

/** A pipeline that the letters may be of. */
function config(of: string): string {
  const stream = (n: number) =>
    `  stream${n}: { from: ${source}, steps: [{ map: { n: record.n } }], to: { topic: ${name}.out } }`
  const path = join(directory, 'bench.yaml')
  writeFileSync(
    path,
    `
name: bench
sources: { ${source}: { topic: { format: json }, deadLetters: { topic: ${of} } } }
streams:
${Array.from({ length: groups }, (_, n) => stream(n)).join('\n')}
`,
  )
  return path
}

async function timed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const started = performance.now()
  const result = await work()
  console.log(`${what}: ${(performance.now() - started).toFixed(1)} ms, ${peakMemory(process.pid)} MiB at most`)
  return result
}
