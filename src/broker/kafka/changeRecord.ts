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

/** Such records as changes, by task, in their order. */
export function changesIn(records: readonly StoredRecord[]): Map<string, StateChange[]> {
  const changes = new Map<string, StateChange[]>()
  for (const { key, value } of records) {
    const name = key!.toString()
    const taskEnd = name.indexOf(separator)
    const storeEnd = name.indexOf(separator, taskEnd + 1)
    const task = name.slice(0, taskEnd)
    const change = { store: name.slice(taskEnd + 1, storeEnd), key: name.slice(storeEnd + 1), value }
    const own = changes.get(task)
    if (own) own.push(change)
    else changes.set(task, [change])
  }
  return changes
}
