import type { Fault } from './fault.ts'
import type { Record } from './record.ts'

/** Every record that enters an operator leaves as exactly one outcome. */
export type Outcome =
  | { readonly type: 'emit'; readonly record: Record; readonly results: readonly Record[]; readonly branch?: string }
  | { readonly type: 'drop'; readonly record: Record; readonly reason: string }
  | { readonly type: 'fail'; readonly record: Record; readonly fault: Fault }

/** An outcome that nothing comes of. */
export type Ending = Exclude<Outcome, { readonly type: 'emit' }>

/** The record goes on as these results; as itself when none is given. */
export const emit = (record: Record, ...results: readonly Record[]): Outcome => ({
  type: 'emit',
  record,
  results: results.length > 0 ? results : [record],
})

/** The record goes on as all of these, however many: a call has no room for more than some 100,000 arguments. */
export const emitAll = (record: Record, results: readonly Record[]): Outcome => ({ type: 'emit', record, results })

/** The operator keeps the record in its state: what comes of it leaves with a later one. It counts as emitted. */
export const absorb = (record: Record): Outcome => emitAll(record, [])

/** The record leaves the stream by a named branch, which other streams read as "stream.branch". */
export const emitTo = (branch: string, record: Record): Outcome => ({ type: 'emit', record, results: [record], branch })

/** The record ends here on purpose, for a reason that is counted: one or two words, no values in it. */
export const drop = (record: Record, reason: string): Ending => ({ type: 'drop', record, reason })

/** The record could not be handled. */
export const fail = (record: Record, fault: Fault): Ending => ({ type: 'fail', record, fault })
