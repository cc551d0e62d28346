import { z } from 'zod'
import type { RecordExpression } from '../../component/expression.ts'
import type { ForeignKeyConfig } from './byForeignKey.ts'
import type { JoinType } from './combine.ts'
import type { Keyless } from './keyless.ts'
import type { LatestConfig } from './latest.ts'
import type { Missing } from './missed.ts'
import type { WindowedConfig } from './windowed.ts'
import type { WithTableConfig } from './withTable.ts'

/** What a config of `join` says, as it is written. */
interface Given {
  readonly stream?: string | undefined
  readonly table?: string | undefined
  readonly by?: RecordExpression | undefined
  readonly as: string
  readonly type: JoinType
  readonly within?: number | { readonly before: number; readonly after: number } | undefined
  readonly grace?: number | undefined
  readonly latest?: true | undefined
  readonly foreignKey?: RecordExpression | undefined
  readonly at?: RecordExpression | undefined
  readonly otherAt?: RecordExpression | undefined
  readonly idle?: number | undefined
  readonly late?: 'deadLetter' | 'drop' | undefined
  readonly missing?: Missing | undefined
  readonly otherMissing?: Missing | undefined
  readonly keyless: Keyless
}

export type JoinConfig = WindowedConfig | LatestConfig | ForeignKeyConfig | WithTableConfig

const windowedOnly = ['grace', 'idle', 'at', 'otherAt', 'late', 'otherMissing'] as const

/** Which of its kinds a join is; what goes not together is an issue. */
export function kindOf(given: Given, context: z.RefinementCtx): JoinConfig {
  const problems = [...problemsOf(given)]
  for (const [field, message] of problems) {
    context.addIssue({ code: 'custom', message, path: field === undefined ? [] : [field] })
  }
  return problems.length > 0 ? z.NEVER : asKind(given)
}

type Problem = readonly [field: keyof Given | undefined, message: string]

function* problemsOf(given: Given): Iterable<Problem> {
  const { stream, table, within, latest, foreignKey, type, keyless } = given
  if ((stream === undefined) === (table === undefined)) {
    yield [undefined, 'expected either `stream`, another stream or source, or `table`']
    return
  }
  if (table !== undefined) {
    for (const field of ['within', 'latest', 'foreignKey'] as const) {
      if (given[field] !== undefined)
        yield [
          field,
          field === 'foreignKey'
            ? 'it is for `stream`: of a table, `by` says the key of the row'
            : 'it is for `stream`: a table has no past, and is the latest of each key',
        ]
    }
    if (type === 'outer') yield ['type', 'a row of a table never leaves alone; expected `inner` or `left`']
  } else if ([within, latest, foreignKey].filter((kind) => kind !== undefined).length !== 1) {
    yield [undefined, 'expected either `within`, how far apart records may be, `latest: true`, or `foreignKey`']
  } else if (foreignKey && type === 'outer') {
    yield ['type', 'a record that nobody refers to never leaves alone; expected `inner` or `left`']
  }
  if (table === undefined && given.by !== undefined)
    yield ['by', 'it is for `table`: records of two streams meet by their own keys, and `keyBy` gives them others']
  if (within === undefined) {
    for (const field of windowedOnly) if (given[field] !== undefined) yield [field, 'it is for `within`']
  } else {
    const { before, after } = spanOf(within)
    if (before + after + (given.grace ?? 0) === 0) yield ['within', 'expected more than no time, here or for `grace`']
  }
  if (given.idle !== undefined && within !== undefined && type === 'inner' && !given.missing && !given.otherMissing) {
    yield [
      'idle',
      'no record waits for its window to close; that is for `type: left` and `outer`, `missing` and `otherMissing`',
    ]
  }
  const isTold = latest || foreignKey
  if (given.missing !== undefined && (isTold || type !== 'inner')) {
    const kind = latest ? 'latest' : 'foreignKey'
    yield ['missing', isTold ? `with \`${kind}\` a record may meet another at any time` : 'it is for `type: inner`']
  }
  if (given.otherMissing !== undefined && type === 'outer') {
    yield ['otherMissing', 'with `type: outer` it leaves alone; expected `inner` or `left`']
  }
  if (keyless === 'keep' && (type === 'inner' || latest)) {
    yield [
      'keyless',
      latest
        ? 'the latest of no key is nothing; expected `deadLetter` or `drop`'
        : '`keep` is for `type: left` and `outer`',
    ]
  }
}

function asKind(given: Given): JoinConfig {
  const { stream, table, by, foreignKey, as, type, within, grace = 0, at, otherAt, late = 'deadLetter' } = given
  const { missing, otherMissing, keyless, idle } = given
  if (table !== undefined)
    return { kind: 'table', table, by, as, type: type as 'inner' | 'left', missing: missing ?? 'drop', keyless }
  if (foreignKey)
    return { kind: 'foreignKey', stream: stream!, foreignKey, as, type: type as 'inner' | 'left', keyless }
  if (within === undefined) {
    return { kind: 'latest', stream: stream!, as, type, keyless: keyless as 'deadLetter' | 'drop' }
  }
  const times = { left: at, right: otherAt }
  const told = { left: missing, right: otherMissing }
  return {
    kind: 'windowed',
    stream: stream!,
    as,
    type,
    ...spanOf(within),
    grace,
    at: times,
    late,
    missing: told,
    keyless,
    idle,
  }
}

const spanOf = (within: NonNullable<Given['within']>): { readonly before: number; readonly after: number } =>
  typeof within === 'number' ? { before: within, after: within } : within
