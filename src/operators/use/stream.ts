import { defer, map, type Observable, type OperatorFunction, type SchedulerLike } from 'rxjs'
import { asFault, type Disposition } from '../../record/fault.ts'
import { drop, emit, emitAll, fail, type Outcome } from '../../record/outcome.ts'
import { withValue, type Record } from '../../record/record.ts'
import { copyOf } from '../../component/copy.ts'
import { outcomeOf, verdictTools, type Tools, type Verdict } from './verdict.ts'

/** What a user's RxJS operator is given besides the records: it lets each of them out as exactly one of these. */
export interface StreamTools extends Pick<Tools, 'log' | 'signal'> {
  /** The record goes on with a new value for each of these; as it is when there is none. */
  emit(record: Record, ...values: readonly unknown[]): Outcome
  drop(record: Record, reason: string): Outcome
  fail(record: Record, code: string, message: string, disposition?: Disposition, fingerprint?: string): Outcome
  /** The only clock and the only timers that a test can run on virtual time. */
  readonly scheduler: SchedulerLike
}

/** A user's RxJS operator: every record in comes out as one outcome, when it likes. */
export type StreamFunction = (records: Observable<Record>, tools: StreamTools) => Observable<Outcome>

/** Runs a user's operator over copies, so that what it changes in place changes no record of the pipeline. */
export function overCopies(
  call: StreamFunction,
  more: Pick<StreamTools, 'log' | 'signal' | 'scheduler'>,
): OperatorFunction<Record, Outcome> {
  const tools: StreamTools = { ...more, ...outcomes }
  return (records) =>
    defer(() => {
      const originals = new WeakMap<Record, Record>()
      const copies = records.pipe(
        map((record) => {
          const copy = withValue(record, copyOf(record.value))
          originals.set(copy, record)
          return copy
        }),
      )
      return call(copies, tools).pipe(map((outcome) => restored(outcome, originals)))
    })
}

const outcomes: Pick<StreamTools, 'emit' | 'drop' | 'fail'> = {
  emit(record, ...values) {
    if (values.length === 0) return emit(record)
    return orFailed(record, values.length === 1 ? verdictTools.value(values[0]) : verdictTools.many(values))
  },
  drop: (record, reason) => orFailed(record, verdictTools.drop(reason)),
  fail: (record, code, message, disposition, fingerprint) =>
    orFailed(record, verdictTools.fail(code, message, disposition, fingerprint)),
}

/** A throw would end the user's stream, with all that is inside. */
function orFailed(record: Record, verdict: Verdict): Outcome {
  try {
    return outcomeOf(record, verdict)
  } catch (thrown) {
    return fail(record, asFault('over', thrown))
  }
}

function restored(outcome: unknown, originals: WeakMap<Record, Record>): Outcome {
  const { type, record: copy } = (outcome ?? {}) as Partial<Outcome>
  const record = copy && originals.get(copy)
  if (!record || !type) {
    throw new Error(
      '"over" let out something that is no outcome of a record: use its second argument, { emit, drop, fail }',
    )
  }
  const known = outcome as Outcome
  if (known.type === 'drop') return drop(record, known.reason)
  if (known.type === 'fail') return { ...known, record }
  return emitAll(
    record,
    known.results.map((result) => ({ ...withValue(record, result.value), index: result.index })),
  )
}
