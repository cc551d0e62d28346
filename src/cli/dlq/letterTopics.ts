import type { Broker, TopicInfo } from '../../broker/broker.ts'
import { isLedger } from '../../deadletter/ledger/entry.ts'
import { letterPrefix } from '../../deadletter/letter.ts'
import { readLetter } from '../../deadletter/readLetter.ts'
import type { LetterTopic } from '../../topology/letterTopics.ts'
import { lastRecordOf } from './lastRecord.ts'

type FoundTopic = Pick<LetterTopic, 'source' | 'topic'>

/**
 * The topics of a broker that are called dlq.…, and those under other names whose latest record is a dead letter: a
 * config may call them as it likes. Of each topic one record is read, of a partition that has any; letters are in no compacted one.
 */
export async function findLetterTopics(broker: Broker): Promise<readonly FoundTopic[]> {
  const all = await broker.topics()
  const names = new Set(all.map(({ name }) => name))
  const topics = all.filter(({ name }) => !isLedger(name, names)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const found = await Promise.all(topics.map((topic) => letterTopic(broker, topic)))
  return found.flatMap((each) => each ?? [])
}

async function letterTopic(
  broker: Broker,
  { name, partitions, compacted }: TopicInfo,
): Promise<FoundTopic | undefined> {
  if (name.startsWith(letterPrefix)) return { topic: name, source: name.slice(letterPrefix.length) }
  if (compacted) return undefined
  for (const info of partitions) {
    const record = await lastRecordOf(broker, name, info)
    if (!record) continue
    const letter = readLetter(record)
    return letter && { topic: name, source: letter.source }
  }
  return undefined
}
