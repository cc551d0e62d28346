import type { TopicSpec } from '../broker/broker.ts'
import { ledgerOf } from '../deadletter/ledger/entry.ts'
import { envelopeGrowth, letterOverhead } from '../deadletter/letter.ts'
import { externalSources, type Plan, type PlannedSource, type PlannedStream } from './plan.ts'
import { retryTopicOf } from './retryTopic.ts'

/** The topics that sources and streams need: what is read, what is written, dead letters with their ledgers, and lanes. */
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
    topics.set(ledgerOf(name), { name: ledgerOf(name), retention: 2 * retention, compacted: false })
    for (const source of own)
      for (const spec of laneSpec(source, { partitionsOf: source.name })) topics.set(spec.name, spec)
  }
  for (const source of sources) {
    const roomFor = roomForLetters([source])
    for (const spec of retryTopicOf(source)) topics.set(spec.name, { ...spec, roomFor })
  }
  return [...topics.values()]
}

/** The lanes of internal topics: with as many partitions as those have. */
export const lanesBeside = (internal: readonly TopicSpec[], sources: readonly PlannedSource[]): TopicSpec[] =>
  sources.flatMap((source) => {
    const { partitions, partitionsOf } = internal.find(({ name }) => name === source.name)!
    return laneSpec(source, {
      ...(partitions !== undefined && { partitions }),
      ...(partitionsOf !== undefined && { partitionsOf }),
    })
  })

function laneSpec(
  { name, lane, deadLetters: { retention } }: PlannedSource,
  partitions: Pick<TopicSpec, 'partitions' | 'partitionsOf'>,
): TopicSpec[] {
  if (lane === undefined) return []
  const roomFor = { topics: [name], factor: 1, extra: letterOverhead }
  return [{ name: lane, ...partitions, retention, compacted: false, byNumber: true, roomFor }]
}

const roomForLetters = (sources: readonly PlannedSource[]): NonNullable<TopicSpec['roomFor']> => ({
  topics: sources.map(({ name }) => name),
  factor: sources.some(({ deadLetters }) => deadLetters.envelope === 'json') ? envelopeGrowth : 1,
  extra: letterOverhead,
})

/** Milliseconds that a pipeline asks its dead-letter topics to keep their letters. */
export const keptFor = ({ topics, ...plan }: Plan): ReadonlyMap<string, number> => {
  const letters = new Set(externalSources(plan).map(({ deadLetters }) => deadLetters.topic))
  return new Map(
    topics.flatMap(({ name, retention }) => (letters.has(name) && retention !== undefined ? [[name, retention]] : [])),
  )
}
