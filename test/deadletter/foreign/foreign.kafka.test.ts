import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { readLetter, type Letter } from '../../../src/deadletter/readLetter.ts'
import { classPath, kafkaClassPath } from '../../support/kafka/jars.ts'
import { describeKafka, kafkaBrokers, openTestKafka } from '../../support/kafka/open.ts'
import { createTopics, uniqueName } from '../../support/kafka/records.ts'

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

/** In the order of their source: Kafka Streams reads the bytes of a record before it processes those in front. */
async function lettersOf(broker: Broker, topic: string): Promise<Letter[]> {
  const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 100)
  const letters = records.flatMap((record) => readLetter(record) ?? [])
  return letters.toSorted((a, b) => Number(a.origin.offset - b.origin.offset))
}

const headers = [
  ['trace', Buffer.from('abc')],
  ['trace', null],
]
const timestamp = 1_767_873_600_000

describeKafka('dead letters of others, written by their own code', () => {
  it('are read, and grouped by their reasons', { timeout: 120_000 }, async () => {
    const name = uniqueName('foreign')
    const source = `${name}.orders`
    const [connect, spring, streams] = ['connect', 'spring', 'streams'].map((who) => `${name}.${who}.dlq`) as [string, string, string] // prettier-ignore
    await createTopics(1, source, connect, spring, streams)
    await run('java', ['-Xmx256m', '-cp', await foreignClassPath(), 'Foreign', kafkaBrokers.join(','), source, connect, spring, streams]) // prettier-ignore

    const broker = await openTestKafka('atLeastOnce')
    try {
      const ofConnect = await lettersOf(broker, connect)
      expect(ofConnect).toMatchObject(
        [0, 1, 2].map((offset) => ({
          convention: 'connect',
          pipeline: 'orders-sink',
          source,
          operator: offset === 2 ? 'orders-sink.TASK_PUT' : 'orders-sink.VALUE_CONVERTER',
          attempts: 1,
          origin: { topic: source, partition: 0, offset: BigInt(offset), timestamp },
          missing: ['failedAt'],
        })),
      )
      expect(ofConnect[0]).toMatchObject({
        fault: {
          code: 'org.apache.kafka.connect.errors.DataException',
          message: expect.stringMatching(/serialization error/),
          stack: expect.stringMatching(/Caused by: com\.fasterxml\.jackson\.core\.JsonParseException/),
        },
        record: { key: Buffer.from('k'), value: Buffer.from('oops'), headers, timestamp },
      })

      const ofSpring = await lettersOf(broker, spring)
      expect(ofSpring).toMatchObject(
        [3, 4, 5].map((offset) => ({
          convention: 'spring',
          pipeline: 'billing',
          source,
          operator: 'billing',
          origin: { topic: source, partition: 0, offset: BigInt(offset), timestamp },
          missing: [],
        })),
      )
      expect(ofSpring[0]!.failedAt).toBeGreaterThan(timestamp)
      expect(ofSpring[0]).toMatchObject({
        fault: {
          code: 'java.lang.NumberFormatException',
          message: expect.stringMatching(/For input string: "two"/),
          stack: expect.stringMatching(/at Foreign\.amount\(Foreign\.java/),
        },
        record: { key: Buffer.from('k'), value: Buffer.from('two'), headers, timestamp },
      })

      const ofStreams = await lettersOf(broker, streams)
      expect(ofStreams).toMatchObject(
        [0, 1, 2].map((offset) => ({
          convention: 'streams',
          source,
          fault: {
            code: offset === 2 ? expect.stringMatching(/SerializationException$/) : 'java.lang.ArithmeticException',
          },
          origin: { topic: source, partition: 0, offset: BigInt(offset), timestamp },
          record: {
            key: Buffer.from('k'),
            value: Buffer.from(offset === 2 ? [1, 2, 3] : Buffer.alloc(8)),
            headers,
            timestamp,
          },
          missing: ['operator', 'failedAt'],
        })),
      )

      for (const letters of [ofConnect, ofSpring, ofStreams]) {
        const [first, second, other] = letters.map(({ fingerprint }) => fingerprint)
        expect(second).toBe(first)
        expect(other).not.toBe(first)
      }
    } finally {
      await broker.close()
    }
  })
})
