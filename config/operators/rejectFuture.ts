import type { UserFunction } from '../../src/operators/use.ts'

/** Fails a price of a time after it was read: such a time is wrong, however good the price looks. */
const rejectFuture: UserFunction = (value, { timestamp }, { fail }) => {
  const { event_time } = value as { readonly event_time: string }
  if (Date.parse(event_time) <= timestamp) return value
  const read = new Date(timestamp).toISOString()
  return fail('price.from_future', `Its event_time, ${event_time}, lies after the time it was read, ${read}.`)
}

export default rejectFuture
