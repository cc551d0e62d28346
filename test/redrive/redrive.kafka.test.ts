import { expect, onTestFinished, test } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { openLetters } from '../../src/redrive/openLetters.ts'
import { reopenLetters } from '../../src/redrive/reopen.ts'
import type { Letter } from '../../src/deadletter/readLetter.ts'
import { keyBy } from '../../src/operators/keyBy.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { describeKafka, guarantees, openTestKafka } from '../support/kafka/open.ts'
import { uniqueName } from '../support/kafka/records.ts'
import { append, catalogWith, operator, output, startPipeline } from '../support/pipeline.ts'
import { sendBack } from '../support/redrive.ts'

const count = 60
const isBad = (n: number) => n % 3 === 0

const endsOf = async (broker: Broker, topic: string) =>
  (await broker.topics([topic])).flatMap(({ partitions }) => partitions.map(({ end }) => end))

async function numbersIn(broker: Broker, topic: string): Promise<number[]> {
  const numbers: number[] = []
  for (const partition of [0, 1, 2]) {
    const { records } = await broker.read({ topic, partition, offset: 0n }, count)
    numbers.push(...records.map(({ value }) => (JSON.parse(String(value)) as { n: number }).n))
  }
  return numbers.toSorted((a, b) => a - b)
}

async function lettersOf(broker: Broker, topic: string): Promise<Letter[]> {
  const letters: Letter[] = []
  for await (const letter of openLetters({ broker, ledger: new Ledger(broker), topics: [topic] })) letters.push(letter)
  return letters
}

describeKafka('dead letters on Kafka', { timeout: 60_000 }, () => {
  test.each(guarantees)(
    'go back to the tasks of their partitions and keys, unseen by others: %s',
    async (guarantee) => {
      const broker = await openTestKafka(guarantee)
      onTestFinished(() => broker.close())
      let healed = false
      const gate = operator(
        'gate',
        () => (record) =>
          isBad((record.value as { n: number }).n) && !healed
            ? fail(record, new RecordedFault('record.useless', 'It is of no use.'))
            : emit(record),
        { keyed: true },
      )
      const name = uniqueName('redrive')
      const [source, plain, keyed] = ['in', 'plain', 'keyed'].map((topic) => `${name}.${topic}`)
      await broker.ensureTopics([source, plain, keyed].map((topic) => ({ name: topic!, partitions: 3 })))
      await append(
        broker,
        Array.from({ length: count }, (_, n) =>
          output(source!, { n }, { key: Buffer.from(`k${n}`), timestamp: Date.now() }),
        ),
      )
      const { pipeline, plan } = await startPipeline(
        `
name: ${name}
sources: { ${source}: { topic: {} } }
streams:
  plain: { from: ${source}, steps: [{ gate: {} }], to: { topic: ${plain} } }
  keyed: { from: ${source}, steps: [{ keyBy: 'string(record.n % 7)' }, { gate: {} }], to: { topic: ${keyed} } }
`,
        catalogWith({ operators: [gate, keyBy] }),
        { broker, once: false },
      )
      await pipeline.quiet({ settled: true })
      const before = await endsOf(broker, source!)
      const letters = await lettersOf(broker, `dlq.${source}`)
      expect(letters).toHaveLength(40)
      expect(new Set(letters.map(({ origin }) => origin.partition))).toEqual(new Set([0, 1, 2]))

      // Half of them come too early; all are sent twice.
      await sendBack(broker, plan, [...letters.slice(0, 20), ...letters.slice(0, 20)])
      await pipeline.quiet({ settled: true })
      const again = await lettersOf(broker, `dlq.${source}`)
      expect(again.filter(({ hops }) => hops === 1)).toHaveLength(20)
      healed = true
      expect(await sendBack(broker, plan, again)).toEqual({ sent: 40, refused: 0 })
      expect(await sendBack(broker, plan, again)).toEqual({ sent: 40, refused: 0 })
      await pipeline.quiet({ settled: true })

      const all = Array.from({ length: count }, (_, n) => n)
      expect(await numbersIn(broker, plain!)).toEqual(all)
      expect(await numbersIn(broker, keyed!)).toEqual(all)
      expect(await lettersOf(broker, `dlq.${source}`)).toEqual([])
      expect(await endsOf(broker, source!)).toEqual(before)

      // Who had chosen them before they were opened again sends them late: they are open, and nothing comes out twice.
      const [ledger, ids] = [new Ledger(broker), again.slice(0, 6).map(({ id }) => id)]
      onTestFinished(() => ledger.close())
      const said = { now: Date.now, by: 'ann', why: 'lost further on', dispositions: ['resolved'] as const }
      expect(await reopenLetters({ plan, broker, ledger, choice: { ids }, ...said })).toBe(6)
      expect(await sendBack(broker, plan, again.slice(0, 9))).toEqual({ sent: 9, refused: 0 })
      await pipeline.quiet({ settled: true })
      const open = await lettersOf(broker, `dlq.${source}`)
      expect(open.map(({ id }) => id)).toEqual(ids)
      expect([...(await numbersIn(broker, plain!)), ...(await numbersIn(broker, keyed!))]).toEqual([...all, ...all])
      await sendBack(broker, plan, open)
      await pipeline.quiet({ settled: true })
      expect(await lettersOf(broker, `dlq.${source}`)).toEqual([])
      const passed = [...(await numbersIn(broker, plain!)), ...(await numbersIn(broker, keyed!))]
      expect(passed).toHaveLength(2 * count + 6)
      for (const row of await pipeline.conservation())
        expect(row).toMatchObject({ read: count, emitted: count, dead: 0 })
    },
  )
})
