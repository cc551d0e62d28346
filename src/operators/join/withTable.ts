import type { OperatorContext } from '../../component/context.ts'
import type { RecordExpression } from '../../component/expression.ts'
import { KeylessFault } from '../../component/keyless.ts'
import { keyOfResult } from '../../component/keyOfResult.ts'
import type { Step } from '../../component/operator.ts'
import { drop, emit, type Outcome } from '../../record/outcome.ts'
import { withValue, type Record } from '../../record/record.ts'
import { combineUnder } from './combine.ts'
import { keylessMessage, type Keyless } from './keyless.ts'
import { JoinMissedFault, type Missing } from './missed.ts'

export interface WithTableConfig {
  readonly kind: 'table'
  readonly table: string
  /** What gives the key of a row, of a global table; the record's own key when absent. */
  readonly by: RecordExpression | undefined
  readonly type: 'inner' | 'left'
  readonly as: string
  readonly missing: Missing
  readonly keyless: Keyless
}

/** Joins a stream with a table: each record with the row of a key as it is at that moment. */
export function withTable({ table, by, type, as, missing, keyless }: WithTableConfig, context: OperatorContext): Step {
  const rows = context.table(table)
  const combine = combineUnder(as)

  return (record) => {
    if (record.value === null || record.value === undefined) return drop(record, 'no value')
    combine.check('left', record.value)
    const key = by ? keyOfResult(by.of(record, context.scheduler.now())) : record.key
    if (key === null) return withoutKey(record)
    const row = rows.get(key)
    if (row) return emit(record, withValue(record, combine.both(record.value, row.value)))
    if (type === 'left') return leave(record)
    if (missing === 'drop') return drop(record, 'no match')
    throw new JoinMissedFault(
      `The table ${table} has no row of the ${by ? `key that "${by.text}" gives` : "record's key"}.`,
    )
  }

  function withoutKey(record: Record): Outcome {
    if (keyless === 'drop') return drop(record, 'no key')
    if (keyless === 'keep' && type === 'left') return leave(record)
    throw new KeylessFault(
      by
        ? `"${by.text}" gives no key to look up in ${table}; \`keyless\` says what else may become of the record.`
        : keylessMessage,
    )
  }

  function leave(record: Record): Outcome {
    return emit(record, withValue(record, combine.alone('left', record.value)))
  }
}
