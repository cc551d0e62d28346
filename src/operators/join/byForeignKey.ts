import type { OperatorContext } from '../../component/context.ts'
import type { RecordExpression } from '../../component/expression.ts'
import { groupOf, keyOf } from '../../component/group.ts'
import { KeylessFault } from '../../component/keyless.ts'
import { keyOfResult } from '../../component/keyOfResult.ts'
import type { Step } from '../../component/operator.ts'
import { absorb, drop, emit, type Outcome } from '../../record/outcome.ts'
import { withValue, type Record } from '../../record/record.ts'
import { combineUnder } from './combine.ts'
import { keylessMessage, type Keyless } from './keyless.ts'
import { subscriptionsOf, type Answer, type Subscription } from './subscription.ts'

export interface ForeignKeyConfig {
  readonly kind: 'foreignKey'
  readonly stream: string
  readonly foreignKey: RecordExpression
  readonly type: 'inner' | 'left'
  readonly as: string
  readonly keyless: Keyless
}

/** The last left record of a key. One that took the one before it back is kept until its answer has come. */
interface Row {
  readonly version: string
  /** Its foreign key, as `groupOf` has it; null where it has none. */
  readonly foreign: string | null
  /** Null where it took back what was there. */
  readonly value: unknown
  /** Whether a result of the key was told, and not taken back since. */
  readonly told: boolean
}

/**
 * The left side of a join by foreign key, in the tasks of its records' own keys: it asks those of the foreign keys, and
 * makes a result of each answer that is for the record it has now.
 */
export function byForeignKey(config: ForeignKeyConfig, { name, state, scheduler, partition }: OperatorContext): Step {
  const { type, as, foreignKey, keyless } = config
  const combine = combineUnder(as)

  function left(record: Record): Outcome {
    if (record.key === null) return withoutKey(record, keylessMessage)
    const entry = entryOf(record.key)
    const before = state.get(entry) as Row | undefined
    if (record.value === null || record.value === undefined) return removed(record, entry, before)
    combine.check('left', record.value)
    const found = keyOfResult(foreignKey.of(record, scheduler.now()))
    if (found === null) return withoutForeignKey(record, entry, before)

    const foreign = groupOf(found)
    const version = versionOf(record)
    const told = before?.told ?? false
    state.set(entry, { version, foreign, value: record.value, told } satisfies Row)
    const moves = before !== undefined && before.foreign !== null && before.foreign !== foreign
    return send(record, [
      ...(moves ? [[before.foreign, { version, ends: true, answers: 'never' }] as const] : []),
      [foreign, { version, answers: type === 'left' || told ? 'always' : 'ifThere' }],
    ])
  }

  function removed(record: Record, entry: string, before: Row | undefined): Outcome {
    if (!before || before.value === null) return absorb(record)
    const { foreign, told } = before
    if (foreign === null || !told) state.delete(entry)
    if (foreign === null) return told ? emit(record, withValue(record, null)) : absorb(record)
    const version = versionOf(record)
    if (told) state.set(entry, { version, foreign: null, value: null, told } satisfies Row)
    return send(record, [[foreign, { version, ends: true, answers: told ? 'always' : 'never' }]])
  }

  /** It can meet none: what it replaces is taken back, where it is not refused. */
  function withoutForeignKey(record: Record, entry: string, before: Row | undefined): Outcome {
    if (keyless === 'deadLetter') throw new KeylessFault(`"${foreignKey.text}" gives no key to join by; ${said}`)
    if (keyless === 'drop') return before ? removed(record, entry, before) : drop(record, 'no key')
    const version = versionOf(record)
    const asks = before?.foreign ?? null
    const told = asks === null || before!.told
    state.set(entry, { version, foreign: null, value: record.value, told } satisfies Row)
    if (asks === null) return emit(record, withValue(record, combine.alone('left', record.value)))
    return send(record, [[asks, { version, ends: true, answers: 'always' }]])
  }

  function right(record: Record): Outcome {
    const { version, right: found } = record.value as Answer
    const entry = entryOf(record.key!)
    const own = state.get(entry) as Row | undefined
    if (own?.version !== version) return drop(record, 'out of date')
    const result = valueOf(own, found)
    const told = result !== null
    if (own.value === null) state.delete(entry)
    else if (own.told !== told) state.set(entry, { ...own, told } satisfies Row)
    return told || own.told ? emit(record, withValue(record, result)) : absorb(record)
  }

  function valueOf({ value }: Row, found: unknown): unknown {
    if (value === null) return null
    if (found !== null) return combine.both(value, found)
    return type === 'left' ? combine.alone('left', value) : null
  }

  function withoutKey(record: Record, message: string): Outcome {
    if (keyless === 'drop') return drop(record, 'no key')
    throw new KeylessFault(message)
  }

  function send(
    record: Record,
    messages: readonly (readonly [foreign: string, about: Omit<Subscription, 'left' | 'partition'>])[],
  ): Outcome {
    const common = { left: groupOf(record.key), partition }
    const results = messages.map(([foreign, about]) => ({
      ...withValue(record, { ...common, ...about } satisfies Subscription),
      key: keyOf(foreign),
    }))
    return { type: 'emit', record, results, branch: subscriptionsOf(name) }
  }

  return { left, right }
}

const said = '`keyless` says what else may become of the record.'

const entryOf = (key: Buffer): string => `k${groupOf(key)}`

/** What no other record of the key has. */
const versionOf = ({ origin: { topic, partition, offset }, index }: Record): string =>
  `${topic}/${partition}/${offset}${index}`
