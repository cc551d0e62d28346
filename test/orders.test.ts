import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { jsonLines, makeDirectory, runOxbow } from './cli/oxbow.ts'

const config = fileURLToPath(new URL('../config/orders.yaml', import.meta.url))

it('config/orders.yaml passes its own tests', async () => {
  const { code, stdout } = await runOxbow(makeDirectory(), ['test', config])
  expect([code, stdout]).toEqual([0, expect.stringContaining('3 passed, 0 failed')])
})

it('its averages go on over restarts, whatever partitions the orders lie in', { timeout: 60_000 }, async () => {
  vi.stubEnv('ORDERS_PARTITIONS', '4')
  onTestFinished(() => void vi.unstubAllEnvs())
  const directory = makeDirectory()
  const orders = Array.from({ length: 40 }, (_, id) => ({
    id,
    product: ['oar', 'net', 'hook'][id % 3]!,
    price: id / 4,
  }))
  const lines = orders.map((order) => `${JSON.stringify({ key: String(order.id), value: order })}\n`)
  await runOxbow(directory, ['topics', config, '--apply'])
  for (const half of [
    lines.slice(0, 20),
    [...lines.slice(20), '{"key": "99", "value": {"id": 99, "product": "oar"}}\n'],
  ]) {
    await runOxbow(directory, ['produce', 'orders'], half.join(''))
    const { code } = await runOxbow(directory, ['run', config, '--until-idle', '--no-http'])
    expect(code).toBe(0)
  }
  const read = async (topic: string) => jsonLines((await runOxbow(directory, ['read', topic, '--json'])).stdout)
  const averages = (await read('orders.average')) as { value: { product: string; orders: number; average: number } }[]
  const last = new Map(averages.map(({ value }) => [value.product, value]))
  for (const product of ['oar', 'net', 'hook']) {
    const prices = orders.filter((order) => order.product === product).map(({ price }) => price)
    const average = prices.reduce((sum, price) => sum + price, 0) / prices.length
    expect(last.get(product)).toMatchObject({ orders: prices.length, average: expect.closeTo(average, 9) as number })
  }
  const overall = (await read('orders.average.overall')) as { value: { orders: number; average: number } }[]
  expect(overall.at(-1)!.value).toMatchObject({ orders: 40, average: 4.875 })
  expect(await read('orders.DLQ')).toMatchObject([{ value: { id: 99 } }])
})
