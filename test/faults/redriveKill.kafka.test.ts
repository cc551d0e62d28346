import { setTimeout } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { expect, onTestFinished, test } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { entryRecord, ledgerOf, readEntry, type LedgerEntry } from '../../src/deadletter/ledger/entry.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { deadLetter } from '../../src/deadletter/letter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { openLetters } from '../../src/redrive/openLetters.ts'
import type { OutputRecord, StoredRecord } from '../../src/record/record.ts'
import { jsonLines, makeDirectory, runOxbow, startOxbow } from '../cli/oxbow.ts'
import { describeKafka, kafkaBrokers, openTestKafka } from '../support/kafka/open.ts'
import { append, output } from '../support/pipeline.ts'

/** More of both makes the long proof: OXBOW_LETTERS=1000000 OXBOW_KILLS=20. */
const letters = Number(process.env['OXBOW_LETTERS'] ?? 6_000)
const kills = Number(process.env['OXBOW_KILLS'] ?? 2)
const partitions = 2

const pipelineOf = (name: string, condition: string): string => `
name: ${name}
broker: { kafka: { brokers: [${kafkaBrokers.join(', ')}], timeouts: { transaction: 5s } } }
sources: { ${name}.in: { topic: {}, partitions: ${partitions} } }
streams:
  one: { from: ${name}.in, steps: [{ filter: '${condition}' }], to: { topic: ${name}.out } }
`

async function recordsIn(broker: Broker, topic: string): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for (const { partition, start, end } of (await broker.topics([topic]))[0]!.partitions)
    for (let offset = start; offset < end;) {
      const { records, next } = await broker.read({ topic, partition, offset }, 10_000)
      for (const record of records) found.push(record)
      offset = next
    }
  return found
}

const numbersIn = (records: readonly StoredRecord[]): number[] =>
  records.map(({ value }) => (JSON.parse(value!.toString()) as { n: number }).n).toSorted((a, b) => a - b)

function letter(topic: string, n: number): OutputRecord {
  const origin = { source: 'in', topic: 'in', partition: 0, offset: BigInt(n), timestamp: 5 }
  const raw = { key: null, value: Buffer.from(`{"n":${n}}`), headers: [], timestamp: 5 }
  const fault = new RecordedFault('value.bad', 'It is bad.')
  const times = { firstFailedAt: Date.now(), failedAt: Date.now() }
  return deadLetter(
    { raw, input: { value: { n }, index: '', origin }, operator: 'one.map', fault, attempts: 1, hops: 0, ...times },
    { pipeline: 'shop', revision: 'r1', topic, envelope: 'headers', redact: redactor([], []) },
  )
}

async function all<T>(found: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const each of found) list.push(each)
  return list
}

describeKafka('dlq redrive on Kafka', () => {
  test('waits for what a killed sender left open: others have sent behind it', async () => {
    const broker = await openTestKafka('exactlyOnce')
    onTestFinished(() => broker.close())
    const topic = `dlq.open-${Date.now()}`
    await broker.ensureTopics([topic, ledgerOf(topic)].map((name) => ({ name, partitions: 1 })))
    await append(
      broker,
      [1, 2, 3].map((n) => letter(topic, n)),
    )
    const sent = await all(openLetters({ broker, ledger: new Ledger(broker), topics: [topic] }))
    expect(sent).toHaveLength(3)

    const kafka = new Kafka({ brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING })
    const killed = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
    await killed.connect()
    onTestFinished(() => killed.disconnect())
    const transaction = await killed.transaction()
    await transaction.send({ topic: ledgerOf(topic), messages: [{ value: 'left open' }] })
    const said = { to: 'redriving', by: 'ann', why: '', at: Date.now() } as const
    await append(
      broker,
      sent.map(({ id, hops, failedAt }) => entryRecord(topic, { letter: id, hops, failedAt, ...said })),
    )

    const stuck = Promise.withResolvers<void>()
    const watched: Broker = {
      ...broker,
      read: async (from, most) => {
        const batch = await broker.read(from, most)
        if (from.topic === ledgerOf(topic) && batch.next === from.offset) stuck.resolve()
        return batch
      },
    }
    const open = all(openLetters({ broker: watched, ledger: new Ledger(watched), topics: [topic] }))
    await stuck.promise
    await transaction.abort()
    expect(await open).toEqual([])
  })

  test(
    `loses no letter and doubles none when it is killed ${kills} times over ${letters} of them`,
    { timeout: 1_200_000 },
    async () => {
      const name = `killed-${Date.now()}`
      const directory = makeDirectory({
        'dies.yaml': pipelineOf(name, 'record.price < 1.0'),
        'healed.yaml': pipelineOf(name, 'record.n >= 0'),
      })
      const broker = await openTestKafka('exactlyOnce')
      onTestFinished(() => broker.close())
      await runOxbow(directory, ['topics', 'dies.yaml', '--apply'])
      for (let n = 0; n < letters; n += 5_000)
        await append(
          broker,
          Array.from({ length: Math.min(5_000, letters - n) }, (_, at) =>
            output(`${name}.in`, { n: n + at }, { partition: at % partitions, timestamp: Date.now() }),
          ),
        )
      await runOxbow(directory, ['run', 'dies.yaml', '--until-idle', '--no-http'])

      const redrive = ['dlq', 'redrive', 'healed.yaml', '--all', '--json']
      for (let kill = 0; kill < kills; kill++) {
        const { child, ended } = startOxbow(directory, ...redrive, '--rate', String(Math.ceil(letters / 3)))
        // By then some are sent, and others are being sent.
        await Promise.race([new Promise((resolve) => child.stdout!.once('data', resolve)), ended])
        await setTimeout(Math.random() * 400)
        child.kill('SIGKILL')
        expect((await ended).code).toBeNull()
      }
      expect((await runOxbow(directory, redrive)).code).toBe(0)
      const { stdout } = await runOxbow(directory, ['run', 'healed.yaml', '--until-idle', '--no-http', '--json'])

      const all = Array.from({ length: letters }, (_, n) => n)
      expect(numbersIn(await recordsIn(broker, `${name}-${name}.in-redrive`)), 'sent').toEqual(all)
      expect(numbersIn(await recordsIn(broker, `${name}.out`))).toEqual(all)
      const entries = (await recordsIn(broker, `dlq.${name}.in-ledger`)).map((each) => readEntry(each) as LedgerEntry)
      const resolved = entries.filter(({ to }) => to === 'resolved').map(({ letter }) => letter)
      expect([resolved.length, new Set(resolved).size]).toEqual([letters, letters])
      const open = openLetters({ broker, ledger: new Ledger(broker), topics: [`dlq.${name}.in`] })
      expect((await open.next()).done, 'none is open').toBe(true)
      expect(jsonLines(stdout)).toMatchObject([{ read: letters, emitted: letters, dead: 0, inFlight: 0 }])
    },
  )
})
