import type { Header, StoredRecord } from '../../record/record.ts'
import type { StateChange, TopicPartition } from '../broker.ts'
import type { PartitionRecords } from './chunks.ts'

const separator = '\0'
const noHeaders: readonly Header[] = []

/** Changes of a task's state as records of the compacted topic that keeps it. */
export const changeRecords = (
  { topic, partition }: TopicPartition,
  task: string,
  changes: readonly StateChange[],
  timestamp: number,
): PartitionRecords => ({
  topic,
  partition,
  records: changes.map(({ store, key, value }) => ({
    key: Buffer.from(task + separator + store + separator + key),
    value,
    headers: noHeaders,
    timestamp,
  })),
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
