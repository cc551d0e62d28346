import type { TopicSpec } from '../broker/broker.ts'
import { envelopeGrowth, letterOverhead } from '../deadletter/letter.ts'
import type { PlannedSource, PlannedStream } from './plan.ts'
import { retryTopicOf } from './retryTopic.ts'

/** The topics that sources and streams need: what is read, what is written, and the dead-letter topics with their lanes. */
export function topicsOf(sources: readonly PlannedSource[], streams: readonly PlannedStream[]): TopicSpec[] {
  const topics = new Map<string, TopicSpec>()
  for (const { name, partitions, retention } of sources) {
    topics.set(name, {
      name,
      ...(partitions !== undefined && { partitions }),
      ...(retention !== undefined && { retention }),
    })
  }
  for (const { topic } of streams.flatMap(({ sinks }) => sinks)) {
    if (topic && !topics.has(topic.name))
      topics.set(topic.name, {
        name: topic.name,
        ...(topic.partitions !== undefined && { partitions: topic.partitions }),
      })
  }
  for (const [name, own] of Map.groupBy(sources, ({ deadLetters }) => deadLetters.topic)) {
    const retention = Math.max(...own.map(({ deadLetters }) => deadLetters.retention))
    const letters = { retention, compacted: false, roomFor: roomForLetters(own) }
    topics.set(name, { name, ...letters, ...topics.get(name) })
    for (const { name: source, lane } of own)
      if (lane !== undefined)
        topics.set(lane, { name: lane, retention, compacted: false, byNumber: true, partitionsOf: source })
  }
  for (const source of sources) {
    const roomFor = roomForLetters([source])
    for (const spec of retryTopicOf(source)) topics.set(spec.name, { ...spec, roomFor })
  }
  return [...topics.values()]
}

const roomForLetters = (sources: readonly PlannedSource[]): NonNullable<TopicSpec['roomFor']> => ({
  topics: sources.map(({ name }) => name),
  factor: sources.some(({ deadLetters }) => deadLetters.envelope === 'json') ? envelopeGrowth : 1,
  extra: letterOverhead,
})
