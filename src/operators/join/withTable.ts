import type { OperatorContext } from '../../component/context.ts'
import { KeylessFault } from '../../component/keyless.ts'
import type { Step } from '../../component/operator.ts'
import { drop, emit, type Outcome } from '../../record/outcome.ts'
import { withValue, type Record } from '../../record/record.ts'
import { combineUnder } from './combine.ts'
import { keylessMessage, type Keyless } from './keyless.ts'
import { JoinMissedFault, type Missing } from './missed.ts'

export interface WithTableConfig {
  readonly kind: 'table'
  readonly table: string
  readonly type: 'inner' | 'left'
  readonly as: string
  readonly missing: Missing
  readonly keyless: Keyless
}

/** Joins a stream with a table: each record with the row of its key as it is at that moment. */
export function withTable({ table, type, as, missing, keyless }: WithTableConfig, context: OperatorContext): Step {
  const rows = context.table(table)
  const combine = combineUnder(as)

  return (record) => {
    if (record.value === null || record.value === undefined) return drop(record, 'no value')
    combine.check('left', record.value)
    if (record.key === null) return withoutKey(record)
    const row = rows.get(record.key)
    if (row) return emit(record, withValue(record, combine.both(record.value, row.value)))
    if (type === 'left') return leave(record)
    if (missing === 'drop') return drop(record, 'no match')
    throw new JoinMissedFault(`The table ${table} has no row of the record's key.`)
  }

  function withoutKey(record: Record): Outcome {
    if (keyless === 'drop') return drop(record, 'no key')
    if (keyless === 'keep' && type === 'left') return leave(record)
    throw new KeylessFault(keylessMessage)
  }

  function leave(record: Record): Outcome {
    return emit(record, withValue(record, combine.alone('left', record.value)))
  }
}
