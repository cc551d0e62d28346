import { expect, it } from 'vitest'
import { set } from '../../src/operators/set.ts'
import type { Header } from '../../src/record/record.ts'
import { deadLetterQueue } from '../../src/sources/deadLetterQueue.ts'
import { append, catalogWith, output, recordsOf, startPipeline, valuesOf } from '../support/pipeline.ts'
import { lettersOf, sendBack, standingsOf } from '../support/redrive.ts'

const catalog = catalogWith({ sources: [deadLetterQueue], operators: [set] })

const facts: readonly Header[] = [
  ['__connect.errors.topic', Buffer.from('orders')],
  ['__connect.errors.partition', Buffer.from('0')],
  ['__connect.errors.offset', Buffer.from('17')],
  ['__connect.errors.connector.name', Buffer.from('one')],
  ['__connect.errors.stage', Buffer.from('TASK_PUT')],
  ['__connect.errors.exception.class.name', Buffer.from('java.sql.SQLException')],
]
const letter = (value: unknown) => output('connect.dlq', value, { headers: [['trace', Buffer.from('abc')], ...facts] })

async function counted({ pipeline }: Awaited<ReturnType<typeof startPipeline>>) {
  await pipeline.quiet()
  const [row] = await pipeline.conservation()
  return row
}

it('letters of others go back to the pipeline that reads their source, and are resolved', async () => {
  const yaml = `
name: p
sources: { orders: { topic: {} } }
streams: { one: { from: orders, steps: [set: { total: record.price }], to: { topic: out } } }`
  const running = await startPipeline(yaml, catalog, { before: [output('orders', { price: 1 })], once: false })
  const { broker, plan } = running
  await running.pipeline.quiet()
  await append(broker, [letter({ price: 2 }), letter({})])

  const { sent } = (await sendBack(broker, plan, await lettersOf(broker, 'connect.dlq'))) as { sent: number }
  expect(sent).toBe(2)
  expect(await counted(running)).toMatchObject({ read: 3, emitted: 2, dead: 1, inFlight: 0 })
  expect(await valuesOf(broker, 'out')).toEqual([
    { price: 1, total: 1 },
    { price: 2, total: 2 },
  ])
  const [, out] = await recordsOf(broker, 'out')
  expect(out!.headers).toEqual([['trace', Buffer.from('abc')]])
  expect([...(await standingsOf(broker, 'connect.dlq')).values()]).toContain('resolved')
  expect(await lettersOf(broker, 'dlq.orders')).toMatchObject([{ hops: 1, source: 'orders' }])
})

it('letters of a queue go through its streams once more, with their facts', async () => {
  const yaml = `
name: p
sources: { connect.dlq: { deadLetterQueue: { convention: connect } } }
streams: { one: { from: connect.dlq, steps: [set: { code: "headers['dlq.fault.code']" }], to: { topic: out } } }`
  const running = await startPipeline(yaml, catalog, { before: [letter({ id: 1 })], once: false })
  const { broker, plan } = running
  await running.pipeline.quiet()
  await sendBack(broker, plan, await lettersOf(broker, 'connect.dlq'))
  expect(await counted(running)).toMatchObject({ read: 2, emitted: 2, dead: 0, inFlight: 0 })
  expect(await valuesOf(broker, 'out')).toEqual([
    { id: 1, code: 'java.sql.SQLException' },
    { id: 1, code: 'java.sql.SQLException' },
  ])
  expect([...(await standingsOf(broker, 'connect.dlq')).values()]).toEqual(['resolved'])
})
