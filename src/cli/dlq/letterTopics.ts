import type { Broker, TopicInfo } from '../../broker/broker.ts'
import { isLedger } from '../../deadletter/ledger/entry.ts'
import { letterPrefix } from '../../deadletter/letter.ts'
import { readLetter } from '../../deadletter/readLetter.ts'
import { externalSources, type Plan } from '../../topology/plan.ts'
import { lastRecordOf } from './lastRecord.ts'

/** Where the dead letters of a source go. */
export interface LetterTopic {
  /** Several sources that share the topic are joined by ", ". */
  readonly source: string
  readonly topic: string
}

/**
 * The topics of a broker that are called dlq.…, and those under other names whose latest record is a dead letter: a
 * config may call them as it likes.
 */
export async function findLetterTopics(broker: Broker): Promise<readonly LetterTopic[]> {
  const all = await broker.topics()
  const names = new Set(all.map(({ name }) => name))
  const topics = all.filter(({ name }) => !isLedger(name, names)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const found = await Promise.all(topics.map((topic) => letterTopic(broker, topic)))
  return found.flatMap((each) => each ?? [])
}

/** Those that a pipeline writes to, and those that it reads. */
export function topicsOfPlan(plan: Plan): readonly LetterTopic[] {
  const sources = externalSources(plan)
  const byTopic = Map.groupBy(sources, ({ deadLetters }) => deadLetters.topic)
  const read = sources.filter(({ name, spec }) => spec.letters && !byTopic.has(name))
  return [
    ...[...byTopic].map(([topic, group]) => ({ topic, source: group.map(({ name }) => name).join(', ') })),
    ...read.map(({ name }) => ({ topic: name, source: name })),
  ]
}

async function letterTopic(broker: Broker, { name, partitions }: TopicInfo): Promise<LetterTopic | undefined> {
  if (name.startsWith(letterPrefix)) return { topic: name, source: name.slice(letterPrefix.length) }
  for (const info of partitions) {
    const record = await lastRecordOf(broker, name, info)
    const letter = record && readLetter(record)
    if (letter) return { topic: name, source: letter.source }
  }
  return undefined
}
