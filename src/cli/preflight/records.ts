import type { TopicInfo } from '../../broker/broker.ts'
import { durationText } from '../../component/fields.ts'
import { externalSources } from '../../topology/plan.ts'
import type { PlannedFile } from '../plans.ts'
import { sourcesOf } from '../../topology/upstream.ts'
import { finder, placesOf, type Finding } from './finding.ts'

/** Sources that are not there yet, and topics that may refuse what a pipeline writes to them. */
export function findRecordProblems(
  planned: PlannedFile,
  infos: readonly TopicInfo[],
  hidden: ReadonlySet<string>,
): Finding[] {
  const infoOf = (name: string) => infos.find((info) => info.name === name)
  return [
    ...findMissingSources(planned, (name) => hidden.has(name) || infoOf(name) !== undefined),
    ...findTimes(planned, infoOf),
    ...findNarrowOutputs(planned, infoOf),
  ]
}

type InfoOf = (name: string) => TopicInfo | undefined

function findMissingSources(planned: PlannedFile, exists: (name: string) => boolean): Finding[] {
  const warning = finder(planned, 'warning')
  return externalSources(planned.plan)
    .filter(({ name, spec }) => !spec.open && !exists(name))
    .map(({ name }) =>
      warning(['sources', name], `topic \`${name}\` is not there, and will be created empty; is that its name?`),
    )
}

/** A record that a topic refuses for its time stops the task that writes it. */
function findTimes(planned: PlannedFile, infoOf: InfoOf): Finding[] {
  const warning = finder(planned, 'warning')
  const placeOf = placesOf(planned)
  return planned.plan.topics.flatMap(({ name }) => {
    const { role, path } = placeOf(name)
    const info = infoOf(name)
    if (!info || role === 'source' || role === 'deadLetters') return []
    const { latestTimestamp = Infinity, stampsOnAppend } = info
    if (stampsOnAppend)
      return warning(
        path(),
        `topic \`${name}\`: records get the broker’s time instead of their own; set its message.timestamp.type to CreateTime`,
      )
    const latest = role === 'connector' ? Infinity : Math.max(...originsOf(name, planned, infoOf))
    if (latestTimestamp >= Math.min(latest, Number.MAX_SAFE_INTEGER)) return []
    return warning(
      path(),
      `topic \`${name}\` refuses records dated more than ${durationText(latestTimestamp)} ahead, and its task would stop at one; set its message.timestamp.after.max.ms to 9223372036854775807`,
    )
  })
}

/** How far ahead the records may be dated that come to an output. */
function originsOf(topic: string, { plan }: PlannedFile, infoOf: InfoOf): number[] {
  const streams = plan.subtopologies.flatMap((subtopology) => subtopology.streams)
  const writing = streams.filter(({ sinks }) => sinks.some((sink) => sink.topic?.name === topic))
  const sources = new Set(writing.flatMap(({ name }) => [...sourcesOf(name, streams)]))
  return [...sources].map((name) => infoOf(name)?.latestTimestamp ?? 0)
}

function findNarrowOutputs(planned: PlannedFile, infoOf: InfoOf): Finding[] {
  const warning = finder(planned, 'warning')
  const placeOf = placesOf(planned)
  const { subtopologies, topics } = planned.plan
  const sizes = subtopologies.flatMap(({ sources }) => sources.map(({ name }) => infoOf(name)?.maxMessageBytes ?? 0))
  const largest = Math.max(...sizes)
  return topics.flatMap(({ name }) => {
    const { role, path } = placeOf(name)
    const size = infoOf(name)?.maxMessageBytes ?? Infinity
    if (role !== 'output' || size >= largest) return []
    return warning(
      path(),
      `topic \`${name}\` takes batches of ${size} bytes, a source ${largest}: a record that does not fit would be dead-lettered (sink.refused); raise its max.message.bytes`,
    )
  })
}
