import { expect, test } from 'vitest'
import { deadLetter, type Failure } from '../../src/deadletter/letter.ts'
import { readLetter } from '../../src/deadletter/readLetter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import type { RawRecord, StoredRecord } from '../../src/record/record.ts'

const origin = { source: 'raw', topic: 'raw', partition: 2, offset: 2n ** 60n, timestamp: 5_000 }

const failureOf = (raw: RawRecord): Failure => ({
  raw,
  input: { value: { step: 2 }, index: '.1', origin },
  operator: 'good.clamp',
  fault: new RecordedFault('value.bad', 'It is bad.', 'retry'),
  attempts: 4,
  hops: 0,
  firstFailedAt: 6_000,
  failedAt: 9_000,
})

const written = (raw: RawRecord, envelope: 'headers' | 'json'): StoredRecord => {
  const context = { pipeline: 'p', revision: 'abc', topic: 'dlq.raw', envelope, redact: redactor([], []) }
  return { ...deadLetter(failureOf(raw), context), partition: 1, offset: 3n }
}

const raws: readonly RawRecord[] = [
  { key: Buffer.from('k'), value: Buffer.from('{"a": 1}'), headers: [], timestamp: 5_000 },
  { key: null, value: null, headers: [], timestamp: 5_000 },
  {
    key: Buffer.from(''),
    value: Buffer.from(''),
    headers: [
      ['a', null],
      ['a', Buffer.from('')],
    ],
    timestamp: 5_000,
  },
  {
    key: Buffer.from([255]),
    value: Buffer.from([0, 254]),
    headers: [
      ['b', Buffer.from([255])],
      ['a', Buffer.from('x')],
      ['b', Buffer.from('é')],
    ],
    timestamp: 5_000,
  },
]

test.each(['headers', 'json'] as const)('a letter in the %s envelope is read back with every byte', (envelope) => {
  for (const raw of raws) {
    const stored = written(raw, envelope)
    const letter = readLetter(stored)!
    expect(letter.record).toEqual(raw)
    expect(letter).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      pipeline: 'p',
      source: 'raw',
      topic: 'dlq.raw',
      partition: 1,
      offset: 3n,
      operator: 'good.clamp',
      fault: { code: 'value.bad', message: 'It is bad.' },
      attempts: 4,
      hops: 0,
      revision: 'abc',
      origin: { topic: 'raw', partition: 2, offset: 2n ** 60n, timestamp: 5_000 },
      failedAt: 9_000,
      firstFailedAt: 6_000,
      disposition: 'retry',
      index: '.1',
      input: '{"step":2}',
    })
  }
})

test.each([
  'null',
  '7',
  '"original_record"',
  '{"original_record":1}',
  '{"original_record":{},"id":"x"}',
  'original_record',
])('%s is no letter', (text) => {
  const record = { topic: 'dlq.raw', partition: 0, offset: 0n, key: null, headers: [], timestamp: 0 }
  expect(readLetter({ ...record, value: Buffer.from(text) })).toBeUndefined()
  expect(readLetter({ ...record, value: Buffer.from(text) })).toBeUndefined()
})
