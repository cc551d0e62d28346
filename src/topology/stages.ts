import type { Plan, Subtopology } from './plan.ts'
import { sourcesOf } from './upstream.ts'

/**
 * The topics whose records come by internal topics in the end, in stages: what is read of one is in the next by then. None for
 * an internal topic that a sub-topology feeds itself, be it by others: it cannot wait for what waits for it.
 */
export function stagesBefore(
  inputs: readonly string[],
  reader: Subtopology,
  { subtopologies }: Pick<Plan, 'subtopologies'>,
): string[][] {
  const fed = inputs.filter((topic) => !reaches(writersOf(topic, subtopologies), reader, subtopologies))
  const depths = new Map<string, number>()
  const visit = (topic: string): number => {
    const known = depths.get(topic)
    if (known !== undefined) return known
    const depth = 1 + Math.max(-1, ...feeding(topic, subtopologies).map(visit))
    depths.set(topic, depth)
    return depth
  }
  for (const topic of fed) feeding(topic, subtopologies).forEach(visit)
  const stages = Map.groupBy(depths.keys(), (topic) => depths.get(topic)!)
  return [...stages].toSorted(([a], [b]) => a - b).map(([, topics]) => topics)
}

/** The topics whose records become those of an internal one; none for others. */
const feeding = (topic: string, subtopologies: readonly Subtopology[]): string[] =>
  subtopologies.flatMap(({ streams }) =>
    streams
      .filter(({ sinks }) => sinks.some(({ repartition }) => repartition === topic))
      .flatMap(({ name }) => [...sourcesOf(name, streams)]),
  )

const writersOf = (topic: string, subtopologies: readonly Subtopology[]): Subtopology[] =>
  subtopologies.filter(({ streams }) =>
    streams.some(({ sinks }) => sinks.some(({ repartition }) => repartition === topic)),
  )

/** Whether a sub-topology is among others, or among those that feed them. */
function reaches(
  others: readonly Subtopology[],
  goal: Subtopology,
  subtopologies: readonly Subtopology[],
  seen = new Set<Subtopology>(),
): boolean {
  return others.some((other) => {
    if (other.id === goal.id) return true
    if (seen.has(other)) return false
    seen.add(other)
    const before = other.sources.flatMap(({ name }) => writersOf(name, subtopologies))
    return reaches(before, goal, subtopologies, seen)
  })
}
