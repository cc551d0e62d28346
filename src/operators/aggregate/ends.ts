import { expression } from '../../component/expression.ts'
import type { Aggregation } from './aggregation.ts'

/** A list of one value, or of none yet. */
type Held = readonly unknown[]

const end = (choose: (held: Held, next: Held) => Held) =>
  expression().transform((of): Aggregation<Held, Held> => ({
    input(record, now) {
      const value = of.of(record, now)
      return value === undefined ? [] : [value]
    },
    initial: [],
    add: choose,
    merge: choose,
    result: ([value = null]) => value,
  }))

/** The value that came first; nothing is passed over, null is a value. */
export const first = () => end((held, next) => (held.length > 0 ? held : next))
/** The value that came last. */
export const last = () => end((held, next) => (next.length > 0 ? next : held))
