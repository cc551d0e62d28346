import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Pace } from '../../../src/broker/kafka/pace.ts'

const holdUp = (milliseconds: number): void => {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

it('gives less at once when records hold up the process for long, so that heartbeats are sent between them', async () => {
  const pace = new Pace(60)
  const { share } = pace
  pace.gave(share)
  holdUp(100)
  await setImmediate()
  expect(pace.share).toBeGreaterThan(0)
  expect(pace.share).toBeLessThanOrEqual(share / 10)
})

it('gives more and more while records take no time, but only when as many came as could be given', async () => {
  const pace = new Pace(60_000)
  const { share } = pace
  pace.gave(share - 1)
  await setImmediate()
  expect(pace.share).toBe(share)
  pace.gave(share)
  await setImmediate()
  expect(pace.share).toBe(2 * share)
})
