import type { PlannedStream } from './plan.ts'

/** Names of the branches that a stream ends in, if its last step is one that branches. */
export function branchesOf({ name, steps }: PlannedStream): string[] {
  const last = steps.at(-1)
  return (last?.spec.branches?.(last.config) ?? []).map((branch) => `${name}.${branch}`)
}

/** What a stream reads, by its steps too. */
export const readsOf = ({ from, steps }: PlannedStream): readonly string[] => [
  ...from,
  ...steps.flatMap(({ reads }) => reads.stream ?? []),
]

/** Whether a stream keeps a table that another one reads. */
export const keepsFor = (other: PlannedStream, stream: PlannedStream): boolean =>
  stream.steps.some(({ reads }) => other.sinks.some(({ table }) => table !== undefined && table === reads.table))

/** The sources whose records come by a name: a stream's, a branch's, or a source's own. */
export function sourcesOf(name: string, streams: readonly PlannedStream[]): ReadonlySet<string> {
  const stream = streams.find((other) => other.name === name || branchesOf(other).includes(name))
  return new Set(stream ? readsOf(stream).flatMap((origin) => [...sourcesOf(origin, streams)]) : [name])
}
