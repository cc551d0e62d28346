import { expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { append, output, recordsOf, startPipeline, valuesOf } from '../support/pipeline.ts'

const yaml = `
name: hourly
sources: { orders: { topic: {} } }
streams:
  hourly:
    from: orders
    steps:
      - aggregate:
          window: { tumbling: 1h }
          emit: close
          into: { orders: count, total: { sum: record.price } }
      - filter: record.total < 100
    to: { topic: hourly }
`

const hour = 3_600_000
const order = (timestamp: number, price: unknown, key = 'oar') =>
  output('orders', { price }, { timestamp, key: Buffer.from(key) })

it('counts what it read once, over a restart and beside records that fail', async () => {
  const broker = await openEmbedded({ directory: ':memory:' })
  const first = await startPipeline(yaml, catalog, {
    broker,
    before: [order(0, 1), order(1, 'free'), order(hour - 1, '0.25'), order(hour, 2)],
  })
  await first.pipeline.quiet({ settled: true })
  await first.pipeline.stop()
  await append(broker, [order(hour - 2, 1), order(hour + 1, 3), order(2 * hour, 200), order(3 * hour, 0)])
  const second = await startPipeline(yaml, catalog, { broker })
  await second.pipeline.quiet({ settled: true })

  const values = (await valuesOf(broker, 'hourly')) as readonly { readonly orders: number; readonly total: number }[]
  expect(values.map(({ orders, total }) => [orders, total])).toEqual([
    [2, 1.25],
    [2, 5],
  ])
  expect((await recordsOf(broker, 'hourly')).map(({ timestamp }) => timestamp)).toEqual([hour - 1, hour + 1])
  expect(await valuesOf(broker, 'dlq.orders')).toEqual([{ price: 'free' }, { price: 1 }])
  expect(await second.pipeline.conservation()).toMatchObject([
    { read: 8, emitted: 5, dropped: 1, dead: 2, inFlight: 0 },
  ])
})
