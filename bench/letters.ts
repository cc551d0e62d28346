// A dead-letter topic with many letters in many groups: how long the index takes to read it, and groups and pages to answer. On
// the embedded broker, or on Kafka where KAFKA_BOOTSTRAP_SERVERS names one.
//
//   node bench/letters.ts 1000000 500
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broker } from '../src/broker/broker.ts'
import { openPlace, placeOf } from '../src/cli/brokerOptions.ts'
import { Ledger } from '../src/deadletter/ledger/ledger.ts'
import { deadLetter } from '../src/deadletter/letter.ts'
import { redactor } from '../src/deadletter/redact.ts'
import { RecordedFault } from '../src/record/fault.ts'
import type { OutputRecord } from '../src/record/record.ts'

const letters = Number(process.argv[2] ?? 1_000_000)
const groups = Number(process.argv[3] ?? 500)
const kafka = process.env['KAFKA_BOOTSTRAP_SERVERS']
const topic = `dlq.letters-${Date.now()}`
const redact = redactor([], [])
const filler = 'x'.repeat(180)
const now = Date.now()

function letter(n: number): OutputRecord {
  const origin = { source: 'in', topic: 'in', partition: n % 4, offset: BigInt(n), timestamp: now }
  const value = { price: 'free', n, filler }
  const raw = {
    key: Buffer.from(`key-${n % 10_000}`),
    value: Buffer.from(JSON.stringify(value)),
    headers: [],
    timestamp: now,
  }
  const operator = `stream${n % groups}.map`
  const fault = new RecordedFault('expression.failed', `record.price is a string, expected a number, in ${n}`)
  const failedAt = now - letters + n
  const times = { firstFailedAt: failedAt, failedAt }
  return {
    ...deadLetter(
      { raw, input: { value, index: '', origin }, operator, fault, attempts: 1, hops: 0, ...times },
      { pipeline: 'bench', revision: 'r', topic, envelope: 'headers', redact },
    ),
    partition: n % 4,
  }
}

async function fill(broker: Broker): Promise<void> {
  await broker.ensureTopics([{ name: topic, partitions: 4 }])
  for (let from = 0; from < letters; from += 4_000) {
    const outputs = Array.from({ length: Math.min(4_000, letters - from) }, (_, at) => letter(from + at))
    await broker.commit({ group: 'bench', task: '', outputs, offsets: [], state: [], counts: [] })
  }
}

const mib = () => `${Math.round(process.memoryUsage.rss() / 1_048_576)} MiB resident`

async function timed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const started = performance.now()
  const result = await work()
  console.log(`${what}: ${(performance.now() - started).toFixed(1)} ms, ${mib()}`)
  return result
}

const directory = mkdtempSync(join(tmpdir(), 'oxbow-letters-'))
const broker = await openPlace(
  placeOf(kafka === undefined ? { data: directory } : { kafka: kafka.split(',') }),
  'append',
)
const ledger = new Ledger(broker, join(directory, 'letters.1.db'))
try {
  await timed(`${letters.toLocaleString('en')} letters written`, () => fill(broker))
  await timed('read into the index', () => ledger.follow([topic]))
  for (const round of ['first', 'second']) {
    await timed(`counts, ${round} time`, () => ledger.counts([topic], now))
    const all = await timed(`groups, ${round} time`, () => ledger.groups([topic], now))
    console.log(`${all.length} groups`)
    const page = await timed(`first page, ${round} time`, () => ledger.page({ topic }, 50))
    await timed(`page after it, ${round} time`, () => ledger.page({ topic }, 50, page.next))
    await timed(`first page of a group, ${round} time`, () => ledger.page({ fingerprint: all[7]!.fingerprint }, 50))
    await timed(`letter by its id, ${round} time`, () => ledger.letter(page.letters[0]!.id))
  }
} finally {
  await ledger.close()
  await broker.close()
  rmSync(directory, { recursive: true })
}
