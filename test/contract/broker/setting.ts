import type { Broker, Subscription, TopicInfo, Unit } from '../../../src/broker/broker.ts'
import type { OutputRecord, StoredRecord } from '../../../src/record/record.ts'

/** What a test of the contract stands on: a broker, with a topic and a group that nobody else uses. */
export interface Setting {
  readonly broker: Broker
  readonly topic: string
  readonly group: string
  append(...outputs: readonly OutputRecord[]): Promise<void>
  everything(of: string, partition?: number): Promise<readonly StoredRecord[]>
  infoOf(of: string): Promise<TopicInfo | undefined>
}

export function createSetting(broker: Broker): Setting {
  const group = unique('group')
  return {
    broker,
    topic: unique('topic'),
    group,
    append: (...outputs) => broker.commit(unit(group, { outputs })),
    everything: async (of, partition = 0) => (await broker.read({ topic: of, partition, offset: 0n }, 10_000)).records,
    infoOf: async (of) => (await broker.topics()).find((info) => info.name === of),
  }
}

let names = 0
export const unique = (what: string): string => `${what}-${process.pid}-${Date.now()}-${names++}`

/** A record with only what matters to the test. */
export const output = (topic: string, record: Partial<OutputRecord> = {}): OutputRecord => ({
  key: null,
  value: Buffer.from('value'),
  headers: [],
  timestamp: 1_700_000_000_000,
  ...record,
  topic,
})

export const unit = (group: string, parts: Partial<Unit> = {}): Unit => ({
  group,
  task: '0',
  outputs: [],
  offsets: [],
  state: [],
  counts: [],
  ...parts,
})

/** Polls until so many records have come, or the patience is over. */
export async function take(subscription: Subscription, count: number, maxRecords = 1_000): Promise<StoredRecord[]> {
  const signal = AbortSignal.timeout(20_000)
  const records: StoredRecord[] = []
  while (records.length < count && !signal.aborted) {
    for (const batch of await subscription.poll({ maxRecords, signal })) records.push(...batch.records)
  }
  return records
}

export const texts = (records: readonly StoredRecord[]): (string | undefined)[] =>
  records.map(({ value }) => value?.toString())

/** One source record of each outcome. */
export const count = { source: 's', stream: 't', read: 3, emitted: 1, dropped: 1, dead: 1 }
