import { expect, it, onTestFinished } from 'vitest'
import { catalog } from '../../../src/catalog.ts'
import { describeKafka, openTestKafka } from '../../support/kafka/open.ts'
import { uniqueName } from '../../support/kafka/records.ts'
import { append, output, startPipeline } from '../../support/pipeline.ts'

const customers = ['ann', 'bob', 'cid', 'dan', 'eve']
const orders = Array.from({ length: 30 }, (_, n) => `order-${n}`)

describeKafka('a join by foreign key on Kafka', { timeout: 60_000 }, () => {
  it('comes to what the last records of both sides say, over partitions, and over a member that goes', async () => {
    const name = uniqueName('foreign')
    const yaml = `
name: ${name}
sources:
  ${name}.orders: { topic: {}, partitions: 3 }
  ${name}.customers: { topic: {}, partitions: 2 }
streams:
  named:
    from: ${name}.orders
    steps: [{ join: { stream: ${name}.customers, foreignKey: record.customer, as: customer } }]
    to: { topic: { name: ${name}.out, partitions: 1 } }
`
    const member = async () => {
      const broker = await openTestKafka('exactlyOnce')
      onTestFinished(() => broker.close())
      return startPipeline(yaml, catalog, { broker, once: false })
    }
    const keyed = (topic: string, key: string, value: unknown) =>
      output(`${name}.${topic}`, value, { key: Buffer.from(key) })
    const ordered = (shift: number) =>
      orders.map((key, n) => keyed('orders', key, { customer: customers[(n + shift) % customers.length] }))
    const named = (suffix: string) => customers.map((key) => keyed('customers', key, `${key}${suffix}`))
    const first = await member()
    const last = async () => {
      const { records } = await first.broker.read({ topic: `${name}.out`, partition: 0, offset: 0n }, 10_000)
      const rows = new Map(
        records.map(({ key, value }) => [String(key), value && (JSON.parse(String(value)) as object)]),
      )
      return Object.fromEntries([...rows].filter(([, value]) => value !== null))
    }
    const expected = (shift: number, suffix: string, except: string) =>
      Object.fromEntries(
        orders.flatMap((key, n) => {
          const customer = customers[(n + shift) % customers.length]!
          return customer === except ? [] : [[key, { customer: `${customer}${suffix}` }]]
        }),
      )

    await append(first.broker, [...ordered(0), ...named('1')])
    await expect.poll(last, { timeout: 20_000 }).toEqual(expected(0, '1', ''))
    const second = await member()
    await append(second.broker, [...named('2'), ...ordered(1), keyed('customers', 'eve', null)])
    await second.pipeline.stop()
    await expect.poll(last, { timeout: 30_000 }).toEqual(expected(1, '2', 'eve'))
    const conservation = await first.pipeline.conservation()
    expect(conservation).toContainEqual(expect.objectContaining({ source: `${name}.orders`, read: 60, emitted: 60 }))
  })
})
