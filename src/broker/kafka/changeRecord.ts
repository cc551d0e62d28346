import type { OutputRecord, StoredRecord } from '../../record/record.ts'
import type { StateChange, TopicPartition } from '../broker.ts'

const separator = '\0'

/** A change of a task's state as a record of the compacted topic that keeps it. */
export const changeRecord = (
  { topic, partition }: TopicPartition,
  task: string,
  { store, key, value }: StateChange,
  timestamp: number,
): OutputRecord => ({
  topic,
  partition,
  key: Buffer.from(`${task}${separator}${store}${separator}${key}`),
  value,
  headers: [],
  timestamp,
})

/** Such records as changes, by task: the last of each key, in their order, which a database takes fastest. */
export function changesIn(records: readonly StoredRecord[]): Map<string, StateChange[]> {
  const latest = new Map<string, Buffer | null>()
  for (const { key, value } of records) latest.set(key!.toString(), value)
  const changes = new Map<string, StateChange[]>()
  for (const name of [...latest.keys()].sort()) {
    const [task, store, ...rest] = name.split(separator)
    const change = { store: store!, key: rest.join(separator), value: latest.get(name)! }
    const own = changes.get(task!)
    if (own) own.push(change)
    else changes.set(task!, [change])
  }
  return changes
}
