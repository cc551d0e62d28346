import type { OperatorContext } from '../../component/context.ts'
import { groupOf, keyOf } from '../../component/group.ts'
import { KeylessFault } from '../../component/keyless.ts'
import type { Step } from '../../component/operator.ts'
import { absorb, drop, emit, type Outcome } from '../../record/outcome.ts'
import type { Record } from '../../record/record.ts'
import type { ForeignKeyConfig } from './byForeignKey.ts'
import { keylessMessage } from './keyless.ts'
import type { Answer, Subscription } from './subscription.ts'

/** The last right record of a key. */
type Row = readonly [value: unknown, timestamp: number]

/** Who wants to know of a right record. */
type Subscriber = Pick<Subscription, 'version' | 'partition'>

/**
 * The right side of a join by foreign key, in the tasks of the foreign keys: it keeps who asks for which of its records,
 * and answers when they ask and whenever a record changes.
 */
export function subscribers({ type, keyless }: ForeignKeyConfig, { state }: OperatorContext): Step {
  function left(record: Record): Outcome {
    const { left: asks, version, partition, ends, answers } = record.value as Subscription
    const foreign = groupOf(record.key)
    if (ends) state.delete(placeOf(foreign) + asks)
    else state.set(placeOf(foreign) + asks, { version, partition } satisfies Subscriber)

    const row = state.get(rowOf(foreign)) as Row | undefined
    if (answers === 'never' || (answers === 'ifThere' && !row)) return absorb(record)
    // In a left join, what is no more asked for has no part in what is told, nor its time.
    const [found, time] = row && !(ends && type === 'left') ? row : [null, 0]
    const answered = answer(record, asks, { version, partition }, ends ? null : found)
    return emit(record, { ...answered, timestamp: Math.max(record.timestamp, time) })
  }

  function right(record: Record): Outcome {
    if (record.key === null) {
      if (keyless === 'drop') return drop(record, 'no key')
      throw new KeylessFault(keylessMessage)
    }
    const foreign = groupOf(record.key)
    const found = record.value ?? null
    if (found === null) state.delete(rowOf(foreign))
    else state.set(rowOf(foreign), [found, record.timestamp] satisfies Row)
    const place = placeOf(foreign)
    const results = [...state.entries(place, endOf(foreign))].map(([entry, subscriber]) =>
      answer(record, entry.slice(place.length), subscriber as Subscriber, found),
    )
    return { type: 'emit', record, results }
  }

  return { left, right }
}

const answer = (record: Record, left: string, subscriber: Subscriber, right: unknown): Record => {
  const { version, partition } = subscriber
  return { ...record, key: keyOf(left), value: { version, partition, right } satisfies Answer }
}

const rowOf = (foreign: string): string => `r${foreign}`

/** Where the subscribers of a key are: with its length, so that no other key begins like it. */
const placeOf = (foreign: string): string => `s${foreign.length}:${foreign}|`
const endOf = (foreign: string): string => `s${foreign.length}:${foreign}}`
