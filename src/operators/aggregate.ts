import { z } from 'zod'
import { expression, ExpressionFault } from '../component/expression.ts'
import { duration } from '../component/fields.ts'
import { KeylessFault } from '../component/keyless.ts'
import { defineOperator } from '../component/operator.ts'
import { drop, type Outcome } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'
import { TooManyDistinctFault } from './aggregate/distinct.ts'
import { eventTime, TimeUnreadableFault } from '../component/eventTime.ts'
import { examples } from './aggregate/examples.ts'
import { forever } from './aggregate/forever.ts'
import { groupOf } from '../component/group.ts'
import { Idle } from '../component/idle.ts'
import { closedByTheClock, keepOrigin, originField } from './aggregate/idle.ts'
import { Into, into } from './aggregate/into.ts'
import { NumberOverflowFault, NumberUnreadableFault } from './aggregate/number.ts'
import { BadAggregateFault } from './aggregate/own.ts'
import { unwindowed, windowed } from './aggregate/results.ts'
import { window, windowText, type WindowKind } from './aggregate/window.ts'
import { EvictedRecordFault, LateRecordFault, openWindows, Windowed, WindowsFullFault } from './aggregate/windowed.ts'

const noKey = 'The record has no key, by which records are grouped: "keyBy" gives it one, or "keyless: group" takes it.'

const config = z
  .strictObject({
    into: into().describe('The fields of the results, each with how it comes about.'),
    window: window()
      .optional()
      .describe('How time is cut: tumbling, hopping, sliding, session. Without it all records since ever count.')
      .meta({
        examples: [{ tumbling: '1h' }, { hopping: '1h', every: '10m' }, { sliding: '10m' }, { session: '30m' }],
      }),
    grace: duration()
      .prefault('0ms')
      .describe('How long after its end a window still takes records, in the time of the records.'),
    at: expression()
      .optional()
      .describe("When the event happened: ISO 8601, or milliseconds since 1970. Absent: the record's timestamp.")
      .meta({ examples: ['record.published_at'] }),
    emit: z
      .enum(['update', 'close'])
      .default('update')
      .describe('When results leave: with every change, or once, when their window closes.'),
    late: z
      .enum(['deadLetter', 'drop'])
      .default('deadLetter')
      .describe('What becomes of a record whose windows are all closed.'),
    keyless: z
      .enum(['deadLetter', 'drop', 'group'])
      .default('deadLetter')
      .describe(
        'What becomes of a record without a key. "group": those of a task, which is a partition, are one group.',
      ),
    idle: duration()
      .optional()
      .describe(
        'With `emit: close`: when no record came for this long, time goes on with the clock, so far behind it. Without it windows close only with later records.',
      ),
    buffer: z
      .strictObject({
        windows: z.int().min(1).describe('How many windows of groups may be open in a task.'),
        full: z
          .enum(['halt', 'deadLetter'])
          .default('halt')
          .describe('What a record does that would open one more: the task stops, or the record is dead-lettered.'),
      })
      .optional()
      .describe('A bound of the state with `emit: close`; none where absent.'),
  })
  .superRefine(({ window, grace, emit, idle, buffer, into }, context) => {
    const issue = (field: string, message: string) => context.addIssue({ code: 'custom', message, path: [field] })
    if (window === undefined && emit === 'close') issue('emit', '"close" needs a `window`: what has none never closes')
    if (window === undefined && grace > 0) issue('grace', 'it needs a `window`')
    if (idle !== undefined && emit !== 'close') issue('idle', 'it is for `emit: close`')
    if (buffer !== undefined && emit !== 'close') issue('buffer', 'it is for `emit: close`')
    const reserved = window && Object.keys(into).find((name) => name === 'window_start' || name === 'window_end')
    if (reserved) issue('into', `a result with a window has a field ${reserved} of its own`)
  })

/** All that is accumulated. */
const fieldsOf = ({ into, idle }: Pick<z.output<typeof config>, 'into' | 'idle'>): typeof into =>
  idle === undefined ? into : { ...into, [originField]: keepOrigin }

interface AggregateShape {
  readonly into: readonly (readonly [name: string, kind: string])[]
  readonly window: WindowKind | null
}

export const aggregate = defineOperator({
  name: 'aggregate',
  summary: 'Accumulates records of one key: counts, sums, percentiles and others, since ever or by windows of time.',
  config,
  faults: [
    LateRecordFault,
    KeylessFault,
    ExpressionFault,
    TimeUnreadableFault,
    NumberUnreadableFault,
    NumberOverflowFault,
    TooManyDistinctFault,
    EvictedRecordFault,
    WindowsFullFault,
    BadAggregateFault,
  ],
  examples,
  keyed: true,
  waits: ({ emit }) => (emit === 'close' ? [openWindows] : []),
  shape: ({ window, ...config }): AggregateShape => ({
    into: Object.entries(fieldsOf(config)).map(([name, { kind }]) => [name, kind]),
    window: window ?? null,
  }),
  shapeText: ({ into, window }: AggregateShape) => [
    `\`into: { ${into.flatMap(([name, kind]) => (name === originField ? [] : [`${name}: ${kind}`])).join(', ')} }\``,
    window === null ? 'no `window`' : `\`window: ${windowText(window)}\``,
    into.some(([name]) => name === originField) ? '`idle`' : 'no `idle`',
  ],

  build({ window, grace, at, emit: when, late, keyless, idle, buffer, ...config }, { directory, scheduler, state }) {
    const into = new Into(fieldsOf({ ...config, idle }), { directory })
    if (window?.kind === 'session' && into.unmergeable !== undefined) {
      throw new Error(
        `Two sessions can become one: "${into.unmergeable}" needs a "merge" that says what comes of both.`,
      )
    }
    const windows = window && new Windowed({ window, grace, emit: when, buffer }, into, state)
    const waiting = idle === undefined ? undefined : new Idle(idle, scheduler)
    const group = windows ? windowed(into, windows, { emit: when, late }) : unwindowed(into, forever(into, state))

    const take = (record: Record): Outcome => {
      waiting?.wake()
      if (record.key === null && keyless === 'drop') return drop(record, 'no key')
      if (record.key === null && keyless === 'deadLetter') throw new KeylessFault(noKey)
      const now = scheduler.now()
      const time = eventTime(at, record, now)
      return group(record, { group: groupOf(record.key), time, inputs: into.inputs(record, now) })
    }
    return waiting && windows ? { take, ...closedByTheClock(waiting, windows, into) } : take
  },
})
