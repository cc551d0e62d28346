import type { Broker, PartitionInfo, TopicInfo } from '../../broker/broker.ts'
import type { StoredRecord } from '../../record/record.ts'
import { retentionWarnings } from '../../deadletter/ledger/retention.ts'
import { keptFor } from '../../topology/topics.ts'
import type { BrokerPlace } from '../brokerOptions.ts'
import { ledgerOf } from '../ledgerOf.ts'
import type { PlannedFile } from '../plans.ts'
import { finder, placesOf, type Finding } from './finding.ts'

const day = 86_400_000

/** Letters that their topics will delete before anybody has dealt with them. */
export async function findLosses(
  planned: PlannedFile,
  place: BrokerPlace,
  broker: Broker,
  live: readonly TopicInfo[],
  now: number,
): Promise<Finding[]> {
  const topics = live.filter(({ name }) => keptFor(planned.plan).has(name))
  const aging: string[] = []
  for (const topic of topics) if (await isAging(topic, broker, now)) aging.push(topic.name)
  const expiring = await expiringIn(aging, place, broker, now)
  const [warning, placeOf] = [finder(planned, 'warning'), placesOf(planned)]
  return topics.flatMap(({ name, retentionBytes }) =>
    // What else its settings do is a difference to what the config says.
    retentionWarnings(expiring.get(name) ?? 0, retentionBytes === undefined ? {} : { retentionBytes }).map((text) =>
      warning(placeOf(name).path('retention'), `topic \`${name}\`: ${text}`),
    ),
  )
}

/** Whether it has records that it deletes within a day: only then its letters are counted, which means to read them. */
async function isAging(
  { name: topic, retention = Infinity, partitions }: TopicInfo,
  broker: Broker,
  now: number,
): Promise<boolean> {
  const firsts = await Promise.all(partitions.map((info) => firstRecordOf(broker, topic, info)))
  return firsts.some((oldest) => oldest !== undefined && oldest.timestamp < now + day - retention)
}

/** The first record of a partition. On Kafka much that was aborted may lie before it: one read may end in the middle of that. */
async function firstRecordOf(
  broker: Broker,
  topic: string,
  { partition, start, end }: PartitionInfo,
): Promise<StoredRecord | undefined> {
  for (let offset = start; offset < end;) {
    const { records, next } = await broker.read({ topic, partition, offset }, 1)
    if (records[0] || next <= offset) return records[0]
    offset = next
  }
  return undefined
}

async function expiringIn(
  topics: readonly string[],
  place: BrokerPlace,
  broker: Broker,
  now: number,
): Promise<ReadonlyMap<string, number>> {
  if (topics.length === 0) return new Map()
  const ledger = ledgerOf(place, broker)
  try {
    return new Map((await ledger.counts(topics, now)).map(({ topic, expiring }) => [topic, expiring]))
  } finally {
    await ledger.close()
  }
}
