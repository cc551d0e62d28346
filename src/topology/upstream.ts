import type { PlannedStep, PlannedStream } from './plan.ts'

/** Names of the branches that records of a stream leave by: it ends in them, or goes on after those of its own. */
export const branchesOf = ({ name, steps }: PlannedStream): string[] => steps.flatMap((step) => branchesAt(name, step))

const branchesAt = (stream: string, { spec, config }: PlannedStep): string[] =>
  (spec.branches?.(config) ?? []).map((branch) => `${stream}.${branch}`)

/** What a stream reads, by its steps too. */
export const readsOf = ({ from, steps }: PlannedStream): readonly string[] => [
  ...from,
  ...steps.flatMap(({ reads }) => reads.stream ?? []),
]

/** Whether a stream keeps a table that another one reads. */
export const keepsFor = (other: PlannedStream, stream: PlannedStream): boolean =>
  stream.steps.some(({ reads }) => other.sinks.some(({ table }) => table !== undefined && table === reads.table))

/** The streams whose records come to an operator or a sink, its own included; undefined where there is none of that id. */
export function leadingTo(id: string, streams: readonly PlannedStream[]): ReadonlySet<string> | undefined {
  const owns = (stream: PlannedStream) =>
    stream.steps.some((step) => step.id === id || `${step.id}.right` === id) ||
    stream.sinks.some((sink) => sink.id === id)
  const leading = new Set(streams.filter(owns))
  for (const stream of leading) {
    const read = readsOf(stream)
    const feeds = ({ sinks, ...other }: PlannedStream) =>
      read.includes(other.name) ||
      branchesOf({ sinks, ...other }).some((branch) => read.includes(branch)) ||
      sinks.some(({ repartition }) => repartition !== undefined && read.includes(repartition))
    for (const other of streams) if (feeds(other)) leading.add(other)
  }
  return leading.size === 0 ? undefined : new Set(Array.from(leading, ({ name }) => name))
}

/** The sources whose records come by a name: a stream's, a branch's, or a source's own. */
export function sourcesOf(name: string, streams: readonly PlannedStream[]): ReadonlySet<string> {
  const stream = streams.find((other) => other.name === name || branchesOf(other).includes(name))
  if (!stream) return new Set([name])
  // What a step reads beside its stream, or a later one does, does not leave by its branches.
  const branching = stream.steps.findIndex((step) => branchesAt(stream.name, step).includes(name))
  const steps = branching < 0 ? stream.steps : stream.steps.slice(0, branching)
  return new Set(readsOf({ ...stream, steps }).flatMap((origin) => [...sourcesOf(origin, streams)]))
}
