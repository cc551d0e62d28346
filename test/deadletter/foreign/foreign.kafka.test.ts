import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { catalog } from '../../../src/catalog.ts'
import { readLetter, type Letter } from '../../../src/deadletter/readLetter.ts'
import type { RawRecord, StoredRecord } from '../../../src/record/record.ts'
import { makeDirectory } from '../../cli/oxbow.ts'
import { dlq } from '../../support/dlq.ts'
import { classPath, kafkaClassPath } from '../../support/kafka/jars.ts'
import { describeKafka, kafkaBrokers, openTestKafka } from '../../support/kafka/open.ts'
import { createTopics, uniqueName } from '../../support/kafka/records.ts'
import { startPipeline } from '../../support/pipeline.ts'

const run = promisify(execFile)
const here = import.meta.dirname

/** Compiled once per clone and version. */
async function foreignClassPath(): Promise<string> {
  const jars = `${classPath(here, 'oxbow-foreign')}:${kafkaClassPath()}`
  const file = join(here, 'Foreign.java')
  const version = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12)
  const classes = join(here, '../../../node_modules/.cache/oxbow-foreign-classes', version)
  if (!existsSync(join(classes, 'Foreign.class'))) {
    mkdirSync(classes, { recursive: true })
    await run('javac', ['-d', classes, '-cp', jars, file])
  }
  return `${jars}:${classes}`
}

const headers = [
  ['trace', Buffer.from('abc')],
  ['trace', null],
]
const timestamp = 1_767_873_600_000

/** A record without what Oxbow puts behind its headers. */
const bare = ({ key, value, headers: all, timestamp: time }: RawRecord): RawRecord => ({
  ...{ key, value, timestamp: time },
  headers: all.filter(([name]) => !name.startsWith('dlq.')),
})

const conventions = ['connect', 'spring', 'streams'] as const
type Who = (typeof conventions)[number]

describeKafka('dead letters of others, written by their own code', { timeout: 60_000 }, () => {
  const name = uniqueName('foreign')
  const sourceOf = (who: Who) => `${name}.${who}`
  const queueOf = (who: Who) => `${name}.${who}.dlq`
  let broker: Broker
  beforeAll(async () => {
    await createTopics(1, ...conventions.flatMap((who) => [sourceOf(who), queueOf(who)]))
    await run('java', ['-Xmx256m', '-cp', await foreignClassPath(), 'Foreign', kafkaBrokers.join(','), name])
    broker = await openTestKafka('exactlyOnce')
  }, 120_000)
  afterAll(() => broker?.close())

  const recordsOf = async (topic: string): Promise<readonly StoredRecord[]> =>
    (await broker.read({ topic, partition: 0, offset: 0n }, 100)).records
  /** In the order of their source: Kafka Streams reads the bytes of a record before it processes those in front. */
  const lettersOf = async (who: Who): Promise<Letter[]> =>
    (await recordsOf(queueOf(who)))
      .flatMap((record) => readLetter(record) ?? [])
      .toSorted((a, b) => Number(a.origin.offset - b.origin.offset))
  const placeOf = (who: Who) => ({ topic: sourceOf(who), partition: 0, timestamp })

  it('are read: Kafka Connect', async () => {
    const letters = await lettersOf('connect')
    expect(letters).toMatchObject(
      [0n, 1n, 2n].map((offset) => ({
        convention: 'connect',
        pipeline: 'orders-sink',
        source: sourceOf('connect'),
        operator: offset === 2n ? 'orders-sink.TASK_PUT' : 'orders-sink.VALUE_CONVERTER',
        attempts: 1,
        origin: { ...placeOf('connect'), offset },
        missing: ['failedAt'],
      })),
    )
    expect(letters[0]).toMatchObject({
      fault: {
        code: 'org.apache.kafka.connect.errors.DataException',
        message: expect.stringMatching(/serialization error/),
        stack: expect.stringMatching(/Caused by: com\.fasterxml\.jackson\.core\.JsonParseException/),
      },
      record: { key: Buffer.from('k'), value: Buffer.from('oops'), headers, timestamp },
    })
  })

  it('are read: Spring Kafka', async () => {
    const letters = await lettersOf('spring')
    expect(letters).toMatchObject(
      [0n, 1n, 2n].map((offset) => ({
        convention: 'spring',
        pipeline: 'billing',
        source: sourceOf('spring'),
        operator: 'billing',
        origin: { ...placeOf('spring'), offset },
        missing: [],
      })),
    )
    expect(letters[0]!.failedAt).toBeGreaterThan(timestamp)
    expect(letters[0]).toMatchObject({
      fault: {
        code: 'java.lang.NumberFormatException',
        message: expect.stringMatching(/For input string: "two"/),
        stack: expect.stringMatching(/at Foreign\.amount\(Foreign\.java/),
      },
      record: { key: Buffer.from('k'), value: Buffer.from('two'), headers, timestamp },
    })
  })

  it('are read: Kafka Streams', async () => {
    expect(await lettersOf('streams')).toMatchObject(
      [0n, 1n, 2n].map((offset) => ({
        convention: 'streams',
        source: sourceOf('streams'),
        fault: {
          code: offset === 2n ? expect.stringMatching(/SerializationException$/) : 'java.lang.ArithmeticException',
        },
        origin: { ...placeOf('streams'), offset },
        record: {
          key: Buffer.from('k'),
          value: Buffer.from(offset === 2n ? [1, 2, 3] : Buffer.alloc(8)),
          headers,
          timestamp,
        },
        missing: ['operator', 'failedAt'],
      })),
    )
  })

  /** Reads a queue: as JSON, which none of what failed is but for one or two, or as the bytes that they are. */
  const config = (who: Who, format: 'json' | 'bytes') => `
name: ${name}.mend-${who}
broker: { kafka: { brokers: ${JSON.stringify(kafkaBrokers)} } }
sources: { ${queueOf(who)}: { deadLetterQueue: { convention: ${who}, format: ${format} } } }
streams: { mended: { from: ${queueOf(who)}, to: { topic: ${name}.${who}.mended } } }
`

  it.each(conventions)('are grouped, shown, rehearsed and sent back until none is open: %s', async (who) => {
    const directory = makeDirectory({ 'json.yaml': config(who, 'json'), 'mend.yaml': config(who, 'bytes') })
    const [strict, mend] = ['json.yaml', 'mend.yaml'].map((file) => join(directory, file)) as [string, string]
    const originals = await recordsOf(sourceOf(who))
    const letters = await lettersOf(who)
    const [first, , other] = letters as [Letter, Letter, Letter]

    const groups = async () => (await dlq('groups', mend)).lines
    expect(await groups()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ fingerprint: first.fingerprint, open: 2, code: first.fault.code }),
        expect.objectContaining({ fingerprint: other.fingerprint, open: 1, code: other.fault.code }),
      ]),
    )
    const shown = await dlq('show', `${queueOf(who)}/0/${first.offset}`, '--config', mend)
    expect(shown.lines).toMatchObject([
      { id: first.id, convention: who, disposition: 'open', origin: { topic: sourceOf(who), offset: 0 } },
    ])

    const onQueue = ['--topic', queueOf(who)]
    const refused = await dlq('rehearse', strict, '--group', first.fingerprint)
    expect([refused.code, refused.lines]).toMatchObject([1, [{ letters: 2, passes: 0, newFault: 2 }]])
    const passing = await dlq('rehearse', mend, ...onQueue)
    expect(passing).toMatchObject({ code: 0, lines: [{ letters: 2, passes: 2 }, { letters: 1, passes: 1 }] }) // prettier-ignore
    expect(passing.lines).toMatchObject([{ examples: [{ outputs: [{ sink: 'mended.to.topic' }] }] }, {}])

    // To the topic that it came from, for everybody who reads that.
    expect((await dlq('redrive', mend, first.id, '--to', sourceOf(who))).lines).toMatchObject([{ letter: first.id }])
    const again = await recordsOf(sourceOf(who))
    expect(again.slice(0, -1)).toEqual(originals)
    expect(again).toHaveLength(4)
    expect(bare(again[3]!)).toEqual(bare(originals[0]!))

    // Over the lane, for this pipeline alone.
    const ends = await broker.bounds([sourceOf(who)])
    const { pipeline } = await startPipeline(config(who, 'bytes'), catalog, { broker, once: false })
    await pipeline.quiet({ settled: true })
    expect((await dlq('redrive', mend, '--all')).lines).toEqual([])
    expect((await dlq('redrive', mend, '--all', ...onQueue)).lines).toHaveLength(2)
    await pipeline.quiet({ settled: true })
    const queued = (await recordsOf(queueOf(who))).map((record) => readLetter(record)!)
    const sent = [...queued, ...queued.filter(({ id }) => id !== first.id)]
    const mended = await recordsOf(`${name}.${who}.mended`)
    expect(mended.map(bare)).toEqual(sent.map(({ origin }) => bare(originals[Number(origin.offset)]!)))
    expect(await broker.bounds([sourceOf(who)])).toEqual(ends)

    expect((await dlq('ls', mend)).lines).toMatchObject([
      { topic: `dlq.${queueOf(who)}`, open: 0 },
      { topic: queueOf(who), open: 0, redriving: 0, resolved: 3, retained: 3 },
    ])
    expect(await groups()).toMatchObject([{ state: 'resolved', open: 0 }, { state: 'resolved', open: 0 }]) // prettier-ignore
  })
})
