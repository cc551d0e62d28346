import type { OperatorContext } from '../../component/context.ts'
import { eventTime } from '../../component/eventTime.ts'
import type { RecordExpression } from '../../component/expression.ts'
import { groupOf, keyOf } from '../../component/group.ts'
import { Idle } from '../../component/idle.ts'
import { KeylessFault } from '../../component/keyless.ts'
import type { Step } from '../../component/operator.ts'
import { Fault } from '../../record/fault.ts'
import { drop, emit, emitAll, type Outcome } from '../../record/outcome.ts'
import { nth, type Record } from '../../record/record.ts'
import { bothOf, combineUnder, leavesAlone, type JoinType, type Side } from './combine.ts'
import { keylessMessage, type Keyless } from './keyless.ts'
import type { Missing } from './missed.ts'
import { doneWaiting, memoryOf, valueIn } from './waiting.ts'
import { JoinWindows, type Meeting } from './windows.ts'

/** The record came too late to be kept for others, and met none. */
export class LateRecordFault extends Fault {
  readonly code = 'record.late'
  readonly disposition = 'deadLetter'

  constructor(time: number | string, newest: number | string) {
    super(
      `The record is late: it met none, and its time, ${textOf(time)}, is too far behind ${textOf(newest)}, the latest of ` +
        'its side, to be kept for others. A longer "grace" would have kept it.',
    )
  }
}

export interface WindowedConfig {
  readonly kind: 'windowed'
  readonly stream: string
  readonly before: number
  readonly after: number
  readonly grace: number
  readonly type: JoinType
  readonly as: string
  readonly at: { readonly [side in Side]?: RecordExpression | undefined }
  readonly late: 'deadLetter' | 'drop'
  readonly missing: { readonly [side in Side]?: Missing | undefined }
  readonly keyless: Keyless
  /** Milliseconds without a record after which the clock moves time on. */
  readonly idle?: number | undefined
}

/** Joins two streams: records of one key whose times are near each other. */
export function windowed(config: WindowedConfig, { scheduler, state }: OperatorContext): Step {
  const { type, late, missing, keyless, at } = config
  const missed = { left: missing.left !== undefined, right: missing.right !== undefined }
  const alone = { left: leavesAlone(type, 'left'), right: leavesAlone(type, 'right') }
  const windows = new JoinWindows({ ...config, alone, missed }, state)
  const combine = combineUnder(config.as)
  const idle = config.idle === undefined ? undefined : new Idle(config.idle, scheduler)
  /** By the clock a record leaves with its own origin. */
  const waitingOf = (side: Side, record: Record) =>
    missed[side] || (idle && alone[side]) ? memoryOf(record) : record.value

  const take = (side: Side) => (record: Record) => {
    idle?.wake()
    const hasValue = record.value !== null && record.value !== undefined
    const time = eventTime(hasValue ? at[side] : undefined, record, scheduler.now())
    if (!hasValue) {
      windows.pass(time)
      return drop(record, 'no value')
    }
    combine.check(side, record.value)
    if (record.key === null) return takeKeyless(side, record, time)

    const arrival = { group: groupOf(record.key), time, value: record.value, waiting: waitingOf(side, record) }
    const meeting = windows.take(side, arrival)
    if (meeting.unmet === 'late') {
      if (late === 'drop') return drop(record, 'late')
      throw new LateRecordFault(time, windows.newest(side))
    }
    try {
      return outcomeOf(side, record, time, meeting)
    } catch (thrown) {
      // A value that was kept before the config changed may hold no such field: what this record changed is taken back.
      windows.forget()
      throw thrown
    }
  }

  function takeKeyless(side: Side, record: Record, time: number): Outcome {
    if (keyless === 'drop') {
      windows.pass(time)
      return drop(record, 'no key')
    }
    if (keyless === 'deadLetter' || !alone[side]) throw new KeylessFault(keylessMessage)
    windows.pass(time)
    return emit(record, { ...record, value: combine.alone(side, record.value), timestamp: time })
  }

  function outcomeOf(side: Side, record: Record, time: number, { closed, met, unmet }: Meeting): Outcome {
    const results = [
      ...closed.map((other) => ({
        key: keyOf(other.group),
        value: combine.alone(other.side, idle ? valueIn(other.what) : other.what),
        timestamp: other.time,
      })),
      ...met.map(([otherTime, value]) => ({
        key: record.key,
        value: bothOf(combine, side, record.value, value),
        timestamp: Math.max(time, otherTime),
      })),
      ...(unmet === 'leaves' ? [{ key: record.key, value: combine.alone(side, record.value), timestamp: time }] : []),
    ]
    return emitAll(
      record,
      results.map((result, n) => ({ ...nth(record, n, result.value), ...result })),
    )
  }

  const sides = { left: take('left'), right: take('right') }
  if (!missed.left && !missed.right && !idle) return sides
  const others = { left: config.stream, right: 'this stream' }
  return { ...sides, clock: doneWaiting(windows, { combine, missing, others, idle }) }
}

const textOf = (time: number | string): string => (typeof time === 'number' ? new Date(time).toISOString() : time)
