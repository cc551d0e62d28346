import { z } from 'zod'
import { TimeUnreadableFault } from '../component/eventTime.ts'
import { expression, ExpressionFault } from '../component/expression.ts'
import { duration, path } from '../component/fields.ts'
import { KeylessFault } from '../component/keyless.ts'
import { defineOperator } from '../component/operator.ts'
import { UnplaceableFieldFault } from '../record/change.ts'
import { byForeignKey } from './join/byForeignKey.ts'
import { examples } from './join/examples.ts'
import { latest } from './join/latest.ts'
import { JoinMissedFault } from './join/missed.ts'
import { kindOf } from './join/kind.ts'
import { shapeOf, textOf } from './join/shape.ts'
import { subscribers } from './join/subscribers.ts'
import { LateRecordFault, windowed } from './join/windowed.ts'
import { waitingIn } from './join/windows.ts'
import { withTable } from './join/withTable.ts'

const config = z
  .strictObject({
    stream: z
      .string()
      .min(1)
      .optional()
      .describe('The other stream or source, with `within`, `latest` or `foreignKey`.')
      .meta({ examples: ['rss.events'] }),
    table: z
      .string()
      .min(1)
      .optional()
      .describe('A table instead: each record meets the row of its key, as it is then.')
      .meta({ examples: ['products'] }),
    by: expression()
      .optional()
      .describe(
        "With a table that is `global`: the key of the row that a record meets; text is taken as it is, anything else as JSON. Absent: the record's own key.",
      )
      .meta({ examples: ['record.country'] }),
    as: path().describe("The field that the other's value goes under; it is absent where there is no match."),
    type: z
      .enum(['inner', 'left', 'outer'])
      .default('inner')
      .describe(
        'Which records leave alone where they met none: none, those of this stream, or those of either, which are then only the field `as`.',
      ),
    within: z
      .union([duration(), z.strictObject({ before: duration(), after: duration() })], {
        error: 'expected a duration such as "1h", or two: `{ before: 1h, after: 0s }`',
      })
      .optional()
      .describe("How much earlier or later than a record of this stream the other one's may be.")
      .meta({ examples: ['1h', { before: '1h', after: '0s' }] }),
    grace: duration()
      .optional()
      .describe(
        'With `within`: how much longer records are kept for others that come late, in the time of the records.',
      )
      .meta({ default: '0ms' }),
    idle: duration()
      .optional()
      .describe(
        'With `within`: when no record of either stream came for this long, time goes on with the clock, so far behind it. Without it a record that met none waits for later records.',
      )
      .meta({ examples: ['10m'] }),
    latest: z
      .literal(true)
      .optional()
      .describe('Both streams as tables: a record of either meets the last one of its key on the other side.'),
    foreignKey: expression()
      .optional()
      .describe(
        'Both streams as tables, and the key of the other one that a record of this stream refers to: text is taken as it is, anything else as JSON. A change of either gives the new results.',
      )
      .meta({ examples: ['record.customer'] }),
    at: expression()
      .optional()
      .describe(
        "With `within`: when the event of a record of this stream happened, ISO 8601 or milliseconds since 1970. Absent: the record's timestamp.",
      )
      .meta({ examples: ['record.published_at'] }),
    otherAt: expression().optional().describe('The same of a record of the other stream.'),
    late: z
      .enum(['deadLetter', 'drop'])
      .optional()
      .describe('With `within`: what becomes of a record that is too late to be kept for others, and met none.')
      .meta({ default: 'deadLetter' }),
    missing: z
      .enum(['drop', 'deadLetter'])
      .optional()
      .describe(
        'With `type: inner`: what becomes of a record of this stream that meets none. With a table "drop" is the default; with `within` it is only told of where asked for, once its window is closed.',
      ),
    otherMissing: z
      .enum(['drop', 'deadLetter'])
      .optional()
      .describe('With `within`, unless `type` is `outer`: the same of a record of the other stream.'),
    keyless: z
      .enum(['deadLetter', 'drop', 'keep'])
      .default('deadLetter')
      .describe(
        'What becomes of a record without a key, or where `by` or `foreignKey` gives null or nothing. "keep": it leaves alone, where `type` lets it.',
      ),
  })
  .transform(kindOf)

export const join = defineOperator({
  name: 'join',
  summary:
    "Brings records together by key: with another stream's within a span of time, with the latest, with those that they refer to, or with a table's.",
  config,
  faults: [LateRecordFault, JoinMissedFault, KeylessFault, UnplaceableFieldFault, ExpressionFault, TimeUnreadableFault],
  examples,
  keyed: true,
  waits: (join) => (join.kind === 'windowed' ? waitingIn : []),
  shape: shapeOf,
  shapeText: textOf,
  reads: (join) => {
    if (join.kind !== 'table') return { stream: join.stream }
    return join.by ? { table: join.table, anyKey: true } : { table: join.table }
  },

  counterpart: (join) =>
    join.kind === 'foreignKey' ? { build: (_, context) => subscribers(join, context) } : undefined,

  build(join, context) {
    switch (join.kind) {
      case 'windowed':
        return windowed(join, context)
      case 'latest':
        return latest(join, context)
      case 'foreignKey':
        return byForeignKey(join, context)
      case 'table':
        return withTable(join, context)
    }
  },
})
