import fc from 'fast-check'
import { expect, it } from 'vitest'
import { keyOrder } from '../../../src/broker/kafka/keyOrder.ts'

/** As keys of one piece of memory, and where they lie in it. */
function placed(keys: readonly Buffer[]) {
  const all = Buffer.concat(keys)
  const ends = Int32Array.from(
    keys,
    (
      (end) => (key: Buffer) =>
        (end += key.length)
    )(0),
  )
  return { bytes: keys.map(() => all), starts: ends.map((end, at) => end - keys[at]!.length), ends }
}

const sorted = (keys: readonly Buffer[]): number[] =>
  keys.map((_, number) => number).toSorted((a, b) => Buffer.compare(keys[a]!, keys[b]!) || a - b)

/** Few different bytes, so that many keys are alike, begin alike, or are the beginning of another. */
const keyOf = (most: number) =>
  fc.array(fc.constantFrom(0, 1, 97, 98, 255), { maxLength: most }).map((bytes) => Buffer.from(bytes))

it('keys of any bytes come in the order of their bytes, equal ones in the order in which they were', () => {
  fc.assert(
    fc.property(
      fc.oneof(...[2, 5, 12].map((most) => fc.array(keyOf(most), { maxLength: 400, size: 'max' }))),
      keyOf(9),
      (keys, before) => {
        const all = keys.map((key) => Buffer.concat([before, key]))
        expect([...keyOrder(placed(all), all.length)]).toEqual(sorted(all))
      },
    ),
  )
})

it('so do very many', () => {
  const keys = Array.from({ length: 100_000 }, (_, n) =>
    Buffer.from(`0\0counts\0key-${Math.imul(n % 60_000, 2_654_435_761)}`),
  )
  expect([...keyOrder(placed(keys), keys.length)]).toEqual(sorted(keys))
})
