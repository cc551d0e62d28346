import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { jsonLines, makeDirectory, runOxbow } from './cli/oxbow.ts'

const config = fileURLToPath(new URL('../config/orders-retry.yaml', import.meta.url))

it('config/orders-retry.yaml passes its own tests', async () => {
  const { code, stdout } = await runOxbow(makeDirectory(), ['test', config])
  expect([code, stdout]).toEqual([0, expect.stringContaining('2 passed, 0 failed')])
})

it('its orders go from topic to topic, one role after the other', async () => {
  const directory = makeDirectory()
  const orders = [
    { id: 1, item: 'oar', count: 1 },
    { id: 2, item: 'oar', count: 1, busy: 1 },
    { id: 3, item: 'net', count: 0 },
  ]
  await runOxbow(directory, ['topics', config, '--apply'])
  await runOxbow(directory, ['produce', 'orders.v1'], orders.map((order) => `${JSON.stringify(order)}\n`).join(''))
  const run = async (role: string) =>
    jsonLines(
      (await runOxbow(directory, ['run', config, '--role', role, '--until-idle', '--no-http', '--json'])).stdout,
    )
  const row = { source: 'orders.v1', stream: 'reserved', read: 3, emitted: 1, dropped: 0, dead: 1, inFlight: 1 }
  expect(await run('main')).toEqual([row])
  expect(await run('retry')).toEqual([{ ...row, emitted: 2, inFlight: 0 }])
  const values = async (topic: string) =>
    (jsonLines((await runOxbow(directory, ['read', topic, '--json'])).stdout) as { value: { id: number } }[]).map(
      ({ value }) => value.id,
    )
  expect(await values('orders.reserved')).toEqual([1, 2])
  expect(await values('orders.dlq')).toEqual([3])
})
