import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createBell } from '../../../src/broker/embedded/bell.ts'

const never = new AbortController().signal

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('wakes all who wait', async () => {
  const bell = createBell()
  const waiting = Promise.all([bell.next(never), bell.next(never)])
  bell.ring()
  await waiting
})

it('does not wait on a signal that has aborted already', async () => {
  await createBell().next(AbortSignal.abort())
})

it('rings when the version has changed, also when it did before anyone waited', async () => {
  let version = 1
  const bell = createBell(() => version)
  version = 2
  const waiting = bell.next(never)
  vi.advanceTimersByTime(50)
  await waiting
  expect(vi.getTimerCount()).toBe(0)
})

it('tells those who wait that it cannot look', async () => {
  let looks = 0
  const bell = createBell(() => {
    if (looks++ > 0) throw new Error('disk gone')
    return 1
  })
  const waiting = bell.next(never)
  vi.advanceTimersByTime(50)
  await expect(waiting).rejects.toThrow('disk gone')
})
