import { describe, expect, it } from 'vitest'
import { deadLetter, type Failure } from '../../src/deadletter/letter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault, UnexpectedFault, type Fault } from '../../src/record/fault.ts'
import { letterHeaders } from '../support/pipeline.ts'

const origin = { source: 'in', topic: 'in', partition: 0, offset: 7n, timestamp: 5_000 }
const raw = { key: null, value: Buffer.from('{}'), headers: [], timestamp: 5_000 }
const bad = new RecordedFault('value.bad', 'It is bad.')

function letterOf(value: unknown, fault: Fault = bad, redact = redactor([], []), more: Partial<Failure> = {}) {
  const failure = { raw, input: { value, index: '', origin }, operator: 's.map', fault, ...more }
  const letter = deadLetter(
    { attempts: 1, firstFailedAt: 6_000, failedAt: 6_000, hops: 0, ...failure },
    { pipeline: 'p', revision: 'r', topic: 'dlq.in', envelope: 'headers', redact },
  )
  return { letter, facts: letterHeaders(letter.headers) }
}

const circular: { self?: unknown } = {}
circular.self = circular

describe('a letter', () => {
  it.each([
    ['a bigint', { n: 1n }],
    ['itself', circular],
    [
      'what throws',
      {
        toJSON() {
          throw new Error('no')
        },
      },
    ],
    ['no data at all', () => 1],
    ['more than 16 KiB', 'x'.repeat(16_384)],
    ['what the source had', {}],
  ])('says nothing of an input that holds %s', (_, value) => {
    expect(letterOf(value).facts).not.toHaveProperty('input')
  })

  it('is timed by the failure, and keeps the time of the source', () => {
    const { letter, facts } = letterOf(1, bad, redactor([], []), { failedAt: 9_000 })
    expect(letter.timestamp).toBe(9_000)
    expect(facts['origin.timestamp']).toBe('1970-01-01T00:00:05.000Z')
  })

  it('has the same id whenever and however often it is written, and another for another record or place', () => {
    const idOf = (more: Partial<Failure>) => letterOf(1, bad, redactor([], []), more).facts.id!
    const at = (place: object, index = '') => idOf({ input: { value: 1, index, origin: { ...origin, ...place } } })
    const id = at({})
    expect(idOf({ failedAt: 9_000, firstFailedAt: 8_000, attempts: 4 })).toBe(id)
    expect(at({ timestamp: 9 })).toBe(id)
    const others = [
      at({ topic: 'x' }),
      at({ partition: 1 }),
      at({ offset: 8n }),
      at({}, '.1'),
      idOf({ operator: 's.x' }),
    ]
    expect(new Set([id, ...others]).size).toBe(6)
  })

  it('has bounds for all that a fault brings', () => {
    const cause = new Error('c'.repeat(1_000_000))
    const { facts } = letterOf(1, new RecordedFault('value.bad', 'é'.repeat(1_000_000)))
    expect(Buffer.byteLength(facts['fault.message']!)).toBeLessThanOrEqual(2_048)
    expect(facts['fault.message']).toMatch(/^é+…$/)
    const { 'fault.stack': stack } = letterOf(1, new UnexpectedFault('s.map', cause)).facts
    expect(Buffer.byteLength(stack!)).toBeLessThanOrEqual(8_192)
  })

  it('tells the causes behind the cause, and ends where they go in a circle', () => {
    const refused = new Error('connection refused')
    const failed = new Error('fetch failed', { cause: refused })
    refused.cause = failed
    const { 'fault.stack': stack } = letterOf(1, new UnexpectedFault('s.call', failed)).facts
    expect(stack).toContain('Caused by: Error: fetch failed')
    expect(stack).toContain('Caused by: Error: connection refused')
  })

  it('shows no field that is redacted, in a message, a stack or the input', () => {
    const value = { card: '4111-1111', lines: [{ card: '5500-0000' }] }
    const fault = new RecordedFault('value.bad', 'Neither "4111-1111" nor "5500-0000" is a card.')
    const { facts } = letterOf(value, fault, redactor(['card', 'lines.card'], []))
    expect(facts['fault.message']).toBe('Neither "[redacted]" nor "[redacted]" is a card.')
    expect(facts.input).toBe('{"card":"[redacted]","lines":[{"card":"[redacted]"}]}')
    expect(JSON.stringify(facts)).not.toMatch(/4111|5500/)
  })

  it('shows no secret of the environment, in a message or the input', () => {
    const fault = new RecordedFault('value.bad', 'It is not hunter"2.')
    const { facts } = letterOf({ with: 'hunter"2' }, fault, redactor([], ['hunter"2']))
    expect(facts['fault.message']).toBe('It is not [redacted].')
    expect(facts.input).toBe('{"with":"[redacted]"}')
  })

  it.each([
    ['cannot reach https://ann:pa55word@host/path', 'cannot reach https://[redacted]@host/path'],
    ['cannot reach redis://:pa55word@host', 'cannot reach redis://[redacted]@host'],
    ['sent Authorization: Bearer abc.def-123', 'sent Authorization: Bearer [redacted]'],
    ['{"password": "pa55word"}', '{"password": "[redacted]"}'],
  ])('shows no credentials: %s', (text, shown) => {
    expect(letterOf(1, new RecordedFault('value.bad', text)).facts['fault.message']).toBe(shown)
  })

  it.each([['a.'], ['authorization: '], [' '], ['://'], ['a:'], ['"']])(
    'is made in no time of a long message full of %j',
    (part) => {
      const message = `authorization:${part.repeat(500_000)}`
      const { facts } = letterOf(1, new RecordedFault('value.bad', message))
      expect(Buffer.byteLength(facts['fault.message']!)).toBeLessThanOrEqual(2_048)
    },
  )
})
