import type { Plan } from '../topology/plan.ts'
import type { Problem } from '../topology/read.ts'
import { sourcesOf } from '../topology/upstream.ts'
import type { PlannedFile } from './plans.ts'

/** Topics that feed one another by way of several pipelines: dead letters that come back as the records that failed. */
export function findLoopsAcross({ file, plan }: PlannedFile, others: readonly PlannedFile[]): Problem[] {
  const links = new Map<string, Set<string>>()
  for (const each of [...others.map((other) => other.plan), plan]) {
    for (const [from, to] of linksOf(each)) links.set(from, (links.get(from) ?? new Set()).add(to))
  }
  const own = new Map<string, string[]>()
  for (const [from, to] of linksOf(plan)) own.set(from, [...(own.get(from) ?? []), to])
  return [...own].flatMap(([source, targets]) => {
    const way = targets.map((target) => wayFrom(target, source, links)).find((found) => found !== undefined)
    if (!way) return []
    const message = `records of \`${source}\` come back to it over ${way.map((topic) => `\`${topic}\``).join(', ')}: an endless loop`
    return [file.problem(['sources', source], message)]
  })
}

/** From each source to its dead letters, and to what is written of its records. */
const linksOf = ({ subtopologies }: Plan): (readonly [string, string])[] =>
  subtopologies.flatMap(({ sources, streams }) => [
    ...sources.map(({ name, deadLetters }) => [name, deadLetters.topic] as const),
    ...streams.flatMap(({ name, sinks }) =>
      sinks.flatMap(({ topic, repartition = topic?.name }) =>
        repartition === undefined ? [] : [...sourcesOf(name, streams)].map((source) => [source, repartition] as const),
      ),
    ),
  ])

/** The topics on the way from one to another, the first included; undefined where there is none. */
function wayFrom(
  from: string,
  goal: string,
  links: ReadonlyMap<string, ReadonlySet<string>>,
  seen = new Set<string>(),
): string[] | undefined {
  if (from === goal) return []
  seen.add(from)
  for (const next of links.get(from) ?? []) {
    if (seen.has(next)) continue
    const way = wayFrom(next, goal, links, seen)
    if (way) return [from, ...way]
  }
  return undefined
}
