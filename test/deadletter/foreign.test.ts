import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLetter } from '../../src/deadletter/readLetter.ts'
import type { Header, StoredRecord } from '../../src/record/record.ts'

const own: readonly Header[] = [
  ['trace', Buffer.from('abc')],
  ['trace', null],
]
const value = Buffer.from('{"price": "x"}')

function stored(
  facts: { readonly [name: string]: string | Buffer | null },
  more: Partial<StoredRecord> = {},
): StoredRecord {
  const headers = Object.entries(facts).map(([name, fact]): Header => [
    name,
    typeof fact === 'string' ? Buffer.from(fact) : fact,
  ])
  return { topic: 'orders.dlq', partition: 2, offset: 7n, timestamp: 9_000, key: Buffer.from('k'), value, headers: [...own, ...headers], ...more } // prettier-ignore
}

const int = (number: number) => Buffer.from([0, 0, 0, number])
const long = (number: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(number)
  return bytes
}

const connect = {
  '__connect.errors.topic': 'orders',
  '__connect.errors.partition': '3',
  '__connect.errors.offset': String(2n ** 60n),
  '__connect.errors.connector.name': 'orders-sink',
  '__connect.errors.task.id': '0',
  '__connect.errors.stage': 'VALUE_CONVERTER',
  '__connect.errors.class.name': 'org.apache.kafka.connect.json.JsonConverter',
  '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
  '__connect.errors.exception.message': 'no JSON',
  '__connect.errors.exception.stacktrace': 'stack',
}
const spring = {
  'kafka_dlt-original-topic': 'orders',
  'kafka_dlt-original-partition': int(3),
  'kafka_dlt-original-offset': long(2n ** 60n),
  'kafka_dlt-original-timestamp': long(5_000n),
  'kafka_dlt-original-timestamp-type': 'CreateTime',
  'kafka_dlt-original-consumer-group': 'billing',
  'kafka_dlt-exception-fqcn': 'org.springframework.kafka.listener.ListenerExecutionFailedException',
  'kafka_dlt-exception-cause-fqcn': 'java.lang.NumberFormatException',
  'kafka_dlt-exception-message': 'Listener failed',
  'kafka_dlt-exception-stacktrace': 'stack',
  kafka_deliveryAttempt: int(4),
}
const streams = {
  '__streams.errors.exception': 'java.lang.ArithmeticException',
  '__streams.errors.message': '/ by zero',
  '__streams.errors.stacktrace': 'stack',
  '__streams.errors.topic': 'orders',
  '__streams.errors.partition': '3',
  '__streams.errors.offset': String(2n ** 60n),
}
const shareGroup = {
  '__dlq.errors.topic': 'orders',
  '__dlq.errors.partition': '3',
  '__dlq.errors.offset': String(2n ** 60n),
  '__dlq.errors.group': 'workers',
  '__dlq.errors.delivery.count': '5',
  '__dlq.errors.message': 'Offset rejected by client.',
}
const written = { connect, spring, streams, shareGroup }

describe('a dead letter of others', () => {
  it.each([
    [
      'connect',
      'orders-sink',
      'orders-sink.VALUE_CONVERTER',
      'org.apache.kafka.connect.errors.DataException',
      1,
      9_000,
      ['failedAt'],
    ],
    ['spring', 'billing', 'billing', 'java.lang.NumberFormatException', 4, 5_000, []],
    ['streams', '', '', 'java.lang.ArithmeticException', 1, 9_000, ['operator', 'failedAt']],
    ['shareGroup', 'workers', 'workers', 'record.rejected', 5, 9_000, ['origin.timestamp']],
  ] as const)('is read: %s', (convention, pipeline, operator, code, attempts, timestamp, missing) => {
    const letter = readLetter(stored(written[convention]))!
    expect(letter).toMatchObject({
      convention,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      pipeline,
      source: 'orders',
      operator,
      fault: { code },
      fingerprint: expect.stringMatching(/^2-/),
      attempts,
      origin: { topic: 'orders', partition: 3, offset: 2n ** 60n, timestamp },
      failedAt: 9_000,
      missing,
    })
    expect(letter.record).toEqual({ key: Buffer.from('k'), value, headers: own, timestamp })
  })

  it('is told from others by its place', () => {
    const idAt = (place: Partial<StoredRecord>) => readLetter(stored(connect, place))!.id
    expect(idAt({})).toBe(idAt({ timestamp: 1 }))
    expect(new Set([{}, { topic: 'x' }, { partition: 0 }, { offset: 8n }].map(idAt)).size).toBe(4)
  })

  it('of Spring under its older names is read, with the first origin and the last failure of a way by retry topics', () => {
    const letter = readLetter(
      stored(
        {},
        {
          headers: [
            ['kafka_original-topic', Buffer.from('orders')],
            ['kafka_original-offset', long(1n)],
            ['kafka_exception-message', Buffer.from('first')],
            ['kafka_original-topic', Buffer.from('orders-retry-0')],
            ['kafka_original-offset', long(8n)],
            ['kafka_exception-message', Buffer.from('last')],
            ['retry_topic-attempts', int(3)],
            ['retry_topic-original-timestamp', long(1n)],
            ['spring_json_header_types', Buffer.from('{}')],
          ],
        },
      ),
    )!
    expect(letter).toMatchObject({ source: 'orders', origin: { offset: 1n }, fault: { message: 'last' }, attempts: 3 })
    expect(letter.record.headers).toEqual([['spring_json_header_types', Buffer.from('{}')]])
  })

  it('is none while it waits on a retry topic, nor when it was sent back with its headers', () => {
    expect(readLetter(stored(spring, { topic: 'orders-retry-1000' }))).toBeUndefined()
    expect(readLetter(stored(connect, { topic: 'orders' }))).toBeUndefined()
  })

  it('says what cannot be read of it', () => {
    const letter = readLetter(stored({ ...connect, '__connect.errors.partition': 'x', '__connect.errors.offset': '-1', '__connect.errors.exception.message': null }))! // prettier-ignore
    expect(letter.missing).toEqual(['fault.message', 'origin.partition', 'origin.offset', 'failedAt'])
    expect(letter.origin).toMatchObject({ partition: 0, offset: 0n })
    const { missing } = readLetter(stored({ ...spring, 'kafka_dlt-original-offset': '12', 'kafka_dlt-original-partition': int(3).subarray(1) }))! // prettier-ignore
    expect(missing).toEqual(['origin.partition', 'origin.offset'])
  })

  it('is read whatever its headers and value hold', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array)))
    const anyHeaders = fc
      .constantFrom(...Object.values(written))
      .chain((facts) => fc.array(fc.tuple(fc.constantFrom(...Object.keys(facts)), bytes), { minLength: 1 }))
    fc.assert(
      fc.property(anyHeaders, bytes, (headers, anyValue) => {
        const letter = readLetter(stored({}, { headers: [...own, ...headers], value: anyValue }))
        // Without headers that say anything of it but the tries, it may be no letter.
        if (letter) expect(letter.record).toMatchObject({ value: anyValue, headers: own })
      }),
    )
  })
})

describe('a JSON envelope of others', () => {
  const read = (document: unknown, topic = 'orders.dlq') =>
    readLetter(stored({}, { headers: [], value: Buffer.from(JSON.stringify(document)), topic }))

  it.each<[string, unknown, object, string | null]>([
    [
      'text beside an error',
      { original_record: '{"id": 7}', error: 'no price', original_topic: 'orders', timestamp: '2026-01-08T12:00:00Z' },
      { source: 'orders', fault: { code: '', message: 'no price' }, failedAt: 1_767_873_600_000 },
      '{"id": 7}',
    ],
    [
      'an object, and an error with parts',
      {
        originalMessage: { id: 7 },
        error: { type: 'BadPrice', message: 'no price', stacktrace: 'at x' },
        retryCount: 3,
      },
      { fault: { code: 'BadPrice', message: 'no price', stack: 'at x' }, attempts: 3 },
      '{"id":7}',
    ],
    [
      'a record with its parts',
      {
        originalRecord: { topic: 'orders', partition: 1, offset: 9, key: 'k1', value: 'x', headers: { a: 'b' } },
        exception: 'X',
      },
      {
        source: 'orders',
        origin: { topic: 'orders', partition: 1, offset: 9n },
        record: { key: Buffer.from('k1'), headers: [['a', Buffer.from('b')]] },
      },
      'x',
    ],
    [
      'names that mean it on a dead-letter topic alone',
      { payload: { id: 7 }, reason: 'no price', topic: 'orders', offset: 9 },
      { source: 'orders', fault: { message: 'no price' }, origin: { offset: 9n } },
      '{"id":7}',
    ],
    [
      'fields beside the error',
      {
        id: 7,
        price: null,
        error_reason: 'no price',
        error_timestamp: 1_767_873_600_000,
        retry_count: 2,
        original_topic: 'orders',
      },
      { source: 'orders', fault: { message: 'no price' }, attempts: 2, failedAt: 1_767_873_600_000 },
      '{"id":7,"price":null}',
    ],
    [
      'Vector',
      {
        id: 7,
        metadata: {
          dropped: { component_id: 'parse', component_kind: 'transform', message: 'no JSON', reason: 'error' },
        },
      },
      { convention: 'vector', operator: 'parse', fault: { code: 'error', message: 'no JSON' } },
      '{"id":7}',
    ],
  ])('is read: %s', (_, document, letter, original) => {
    const found = read(document)
    expect(found).toMatchObject(letter)
    expect(found!.record.value?.toString() ?? null).toBe(original)
  })

  it.each([
    ['on another topic', { payload: { id: 7 }, reason: 'no price' }, 'orders'],
    ['without an error', { original_record: 'x' }, 'orders.dlq'],
    ['with an error that is null', { original_record: 'x', error: null }, 'orders.dlq'],
    ['without a source record', { error: 'x', id: 7 }, 'orders.dlq'],
    ['as a list', [{ original_record: 'x', error: 'y' }], 'orders.dlq'],
  ])('is none %s', (_, document, topic) => {
    expect(read(document, topic)).toBeUndefined()
  })
})
