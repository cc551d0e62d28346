import { compareKeys } from '../../src/component/state.ts'
import type { JoinCase, JoinRecord, Output } from './joinCases.ts'

export const isPair = ({ value }: Output): boolean => !value!.startsWith('+') && !value!.endsWith('+')

/** A record that is to leave alone: with which record, and whether that is itself. */
export interface Leaving {
  readonly record: JoinRecord
  readonly with: number
  readonly atOnce: boolean
}

/**
 * Which records are to leave alone, and when, as docs/guide/joins.md says: each that met none, with the first record that
 * moves time past its window and its grace.
 * @param pairs the pairs that came with each record
 */
export function leavingAlone({ settings, records }: JoinCase, pairs: readonly (readonly Output[])[]): Leaving[] {
  const { type, before, after, grace } = settings
  const firstPair = new Map<string, number>()
  pairs.forEach((outputs, at) => {
    for (const value of outputs.flatMap((pair) => pair.value!.split('+'))) {
      if (!firstPair.has(value)) firstPair.set(value, at)
    }
  })
  const streamTimes = records.map((_, at) => Math.max(...records.slice(0, at + 1).map(({ timestamp }) => timestamp)))
  const closes = records.map(
    ({ key, value, timestamp }, at) => key !== null && value !== null && timestamp === streamTimes[at],
  )
  return records.flatMap((record, at): Leaving[] => {
    const { topic, key, value, timestamp } = record
    if (value === null || (type === 'left' && topic === 'right')) return []
    if (key === null) return [{ record, with: at, atOnce: true }]
    const met = firstPair.get(value) ?? Infinity
    const due = timestamp + grace + (topic === 'left' ? after : before)
    if (met === at) return []
    if (due < streamTimes[at]!) return [{ record, with: at, atOnce: true }]
    const closing = records.findIndex((_, n) => n > at && closes[n] && due < streamTimes[n]!)
    return closing < 0 || met < closing ? [] : [{ record, with: closing, atOnce: false }]
  })
}

/** What comes with each record: those that leave alone, in order of time, right before left, then of key; then pairs. */
export function resultsWith(leaving: readonly Leaving[], pairs: readonly (readonly Output[])[]): readonly Output[][] {
  return pairs.map((outputs, at) => {
    const now = leaving.filter((one) => one.with === at)
    const closed = now.filter(({ atOnce }) => !atOnce).toSorted((a, b) => inOrder(a.record, b.record))
    return [...closed.map(outputOf), ...outputs, ...now.filter(({ atOnce }) => atOnce).map(outputOf)]
  })
}

const inOrder = (a: JoinRecord, b: JoinRecord): number =>
  a.timestamp - b.timestamp || (a.topic === b.topic ? 0 : a.topic === 'right' ? -1 : 1) || compareKeys(a.key!, b.key!)

const outputOf = ({ record: { topic, key, value, timestamp } }: Leaving): Output => ({
  key,
  value: topic === 'left' ? `${value}+` : `+${value}`,
  timestamp,
})

/**
 * What Kafka Streams does otherwise, for reasons that are known; each is said where it is not. It holds records back, so
 * that they may yet meet a late one, and lets one that is late go within its grace, so that it may yet meet one.
 */
export function unexplained(
  { settings, records }: JoinCase,
  leaving: readonly Leaving[],
  theirs: readonly (readonly Output[])[],
): string[] {
  const left = new Map(leaving.map((one) => [one.record.value!, one]))
  const lastMeeting = (value: string) =>
    theirs.findLastIndex((outputs) => outputs.some((pair) => isPair(pair) && pair.value!.split('+').includes(value)))
  return records.flatMap(({ value }, at) => {
    if (value === null) return []
    const ours = left.get(value)?.with
    const there = theirs.findIndex((outputs) =>
      outputs.some((one) => one.value === `${value}+` || one.value === `+${value}`),
    )
    const early = settings.grace > 0 && there === at
    if (ours === undefined)
      return there < 0 || (early && lastMeeting(value) > there) ? [] : [`${value} left only there`]
    if (there < 0) return lastMeeting(value) > ours ? [] : [`${value} left only here`]
    return there === ours || there > ours || early ? [] : [`${value} left there with ${there}, here with ${ours}`]
  })
}
