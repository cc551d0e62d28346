import type { PlannedStream } from './plan.ts'

/** Names of the branches that a stream ends in, if its last step is one that branches. */
export function branchesOf({ name, steps }: PlannedStream): string[] {
  const last = steps.at(-1)
  return (last?.spec.branches?.(last.config) ?? []).map((branch) => `${name}.${branch}`)
}

/** The sources whose records come by a name: a stream's, a branch's, or a source's own. */
export function sourcesOf(name: string, streams: readonly PlannedStream[]): ReadonlySet<string> {
  const stream = streams.find((other) => other.name === name || branchesOf(other).includes(name))
  return new Set(stream ? stream.from.flatMap((origin) => [...sourcesOf(origin, streams)]) : [name])
}
