import { expect, it } from 'vitest'
import { deadLetter } from '../../src/deadletter/letter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { set } from '../../src/operators/set.ts'
import { filter } from '../../src/operators/filter.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import type { Header } from '../../src/record/record.ts'
import { deadLetterQueue } from '../../src/sources/deadLetterQueue.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { catalogWith, letterHeaders, output, recordsOf, startPipeline } from '../support/pipeline.ts'

const catalog = catalogWith({ sources: [deadLetterQueue], operators: [set, filter] })

const facts: readonly Header[] = [
  ['__connect.errors.topic', Buffer.from('orders')],
  ['__connect.errors.partition', Buffer.from('3')],
  ['__connect.errors.offset', Buffer.from('17')],
  ['__connect.errors.connector.name', Buffer.from('sink')],
  ['__connect.errors.stage', Buffer.from('TASK_PUT')],
  ['__connect.errors.exception.class.name', Buffer.from('java.sql.SQLException')],
  ['__connect.errors.exception.message', Buffer.from('no column')],
]

const config = (steps: string, options = '{}') => `
name: p
sources: { connect.dlq: { deadLetterQueue: ${options} } }
streams: { s: { from: connect.dlq, steps: [${steps}], to: { topic: mended } } }`

it('gives its streams the record that failed, with the facts as headers', async () => {
  const letter = output(
    'connect.dlq',
    { id: 7, n: 12345678901234567890n.toString() },
    { headers: [['trace', Buffer.from('abc')], ...facts] },
  )
  const envelope = output('connect.dlq', { original_record: { id: 8 }, error: 'no price', original_topic: 'orders' })
  const { pipeline, broker } = await startPipeline(
    config(`set: { code: "headers['dlq.fault.code']", from: "headers['dlq.source']" }`),
    catalog,
    { before: [letter, envelope] },
  )
  await pipeline.quiet()
  const mended = await recordsOf(broker, 'mended')
  expect(mended.map(({ value }) => JSON.parse(String(value)) as unknown)).toEqual([
    { id: 7, n: '12345678901234567890', code: 'java.sql.SQLException', from: 'orders' },
    { id: 8, code: '', from: 'orders' },
  ])
  expect(mended[0]!.headers[0]).toEqual(['trace', Buffer.from('abc')])
  expect(letterHeaders(mended[0]!.headers)).toMatchObject({
    convention: 'connect',
    operator: 'sink.TASK_PUT',
    'origin.offset': '17',
  })
  expect(mended[0]!.headers.filter(([name]) => name.startsWith('__'))).toEqual([])
})

it('reads the letters of Oxbow too, in both envelopes, and gives what nobody changed byte for byte', async () => {
  const raw = { key: Buffer.from('k'), value: Buffer.from('{"n": 12345678901234567890 }'), headers: [], timestamp: 5 }
  const failure = {
    raw,
    input: { value: 1, index: '', origin: { source: 'in', topic: 'in', partition: 0, offset: 9n, timestamp: 5 } },
    operator: 's.map',
    fault: new RecordedFault('value.bad', 'It is bad.'),
    attempts: 1,
    hops: 0,
    firstFailedAt: 6,
    failedAt: 6,
  }
  const context = { pipeline: 'other', revision: 'r', topic: 'connect.dlq', redact: redactor([], []) }
  const before = (['headers', 'json'] as const).map((envelope) => deadLetter(failure, { ...context, envelope }))
  const { pipeline, broker } = await startPipeline(
    config(`filter: "headers['dlq.fault.code'] == 'value.bad'"`),
    catalog,
    { before },
  )
  await pipeline.quiet()
  const values = (await recordsOf(broker, 'mended')).map(({ value }) => String(value))
  expect(values[0]).toBe('{"n": 12345678901234567890 }')
  expect(JSON.parse(values[1]!)).toEqual({ n: 12345678901234567000 })
})

it('takes what is no letter as it stands, and refuses it where a convention is said', async () => {
  const before = [output('connect.dlq', { id: 7 })]
  const any = await startPipeline(config(`filter: 'true'`), catalog, { before })
  await any.pipeline.quiet()
  expect((await recordsOf(any.broker, 'mended')).map(({ value }) => String(value))).toEqual(['{"id":7}'])

  const strict = await startPipeline(config(`filter: 'true'`, '{ convention: connect }'), catalog, { before })
  await strict.pipeline.quiet()
  const [letter] = await recordsOf(strict.broker, 'dlq.connect.dlq')
  expect(letterHeaders(letter!.headers)).toMatchObject({ 'fault.code': 'letter.unreadable', source: 'connect.dlq' })
})

it('dead-letters to a queue of its own, with the letter as it was: what fails again is the whole of it', async () => {
  const letter = output('connect.dlq', { id: 7 }, { headers: facts })
  const { pipeline, broker } = await startPipeline(config('set: { id: record.nothing }'), catalog, { before: [letter] })
  await pipeline.quiet()
  expect(await recordsOf(broker, 'connect.dlq')).toHaveLength(1)
  const [again] = await recordsOf(broker, 'dlq.connect.dlq')
  expect(again!.value).toEqual(letter.value)
  expect(again!.headers.slice(0, facts.length)).toEqual(facts)
  expect(letterHeaders(again!.headers)).toMatchObject({ 'origin.topic': 'connect.dlq', 'origin.offset': '0' })
})

it('cannot be its own dead-letter topic', () => {
  const yaml = config(`filter: 'true'`).replace('{} } }', '{}, deadLetters: { topic: connect.dlq } } }')
  expect(() => resolvePlan(parseConfig(yaml, 'pipeline.yaml', catalog, {}), catalog)).toThrow(
    'the dead letters of `connect.dlq` would go back to `connect.dlq`',
  )
})
