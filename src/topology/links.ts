import type { Reads } from '../component/operator.ts'
import { nearest } from './issue.ts'
import type { PlannedSource, PlannedStream } from './plan.ts'
import type { ConfigFile, Problem } from './read.ts'
import { branchesOf, keepsFor, readsOf } from './upstream.ts'

/** Streams that read what there is not, and sources, streams and branches that lead nowhere. */
export function findBrokenLinks(
  file: ConfigFile,
  sources: readonly PlannedSource[],
  streams: readonly PlannedStream[],
): Problem[] {
  const branches = streams.flatMap(branchesOf)
  const known = [...sources.map(({ name }) => name), ...streams.map(({ name }) => name), ...branches]
  const read = new Set(streams.flatMap(readsOf))
  const twice = sources.filter((source) => streams.some(({ name }) => name === source.name))
  return [
    ...twice.map(({ name }) =>
      file.problem(['streams', name], `a stream cannot have the name of a source: \`${name}\`; rename the stream`),
    ),
    ...streams.flatMap((stream) => brokenLinksOf(stream, file, known, read)),
    ...findTableProblems(file, streams),
    ...branches
      .filter((branch) => !read.has(branch))
      .map((branch) =>
        file.problem(
          ['streams', branch.slice(0, branch.lastIndexOf('.')), 'steps'],
          `no stream reads the branch \`${branch}\`; add one with \`from: ${branch}\``,
        ),
      ),
    ...sources
      .filter(({ name }) => !read.has(name))
      .map(({ name }) =>
        file.problem(['sources', name], `no stream reads the source \`${name}\`; add one with \`from: ${name}\``),
      ),
  ]
}

function brokenLinksOf(
  stream: PlannedStream,
  file: ConfigFile,
  known: readonly string[],
  read: ReadonlySet<string>,
): Problem[] {
  const problems: Problem[] = []
  const { name, from, steps, sinks } = stream
  const reads = [
    ...from.map((origin) => ({ origin, path: ['from'] as PropertyKey[] })),
    ...steps.flatMap(({ spec, reads: { stream: origin } }, at) =>
      origin === undefined ? [] : [{ origin, path: ['steps', at, spec.name] }],
    ),
  ]
  for (const { origin, path } of reads) {
    if (known.includes(origin)) continue
    problems.push(
      file.problem(
        ['streams', name, ...path],
        `\`${name}\` reads \`${origin}\`, which is neither a source nor a stream; ${rightOf(origin, known)}`,
      ),
    )
  }
  if (new Set(from).size < from.length) {
    problems.push(file.problem(['streams', name, 'from'], `\`${name}\` reads the same thing twice; name it once`))
  }
  const branching = steps.findIndex(({ spec }) => spec.branches)
  if (branching >= 0 && branching < steps.length - 1) {
    problems.push(
      file.problem(
        ['streams', name, 'steps', branching],
        `\`${steps[branching]!.spec.name}\` must be the last step; put what follows into the streams that read the branches`,
      ),
    )
  }
  if (branching >= 0 && (sinks.length > 0 || read.has(name))) {
    problems.push(
      file.problem(
        ['streams', name],
        `\`${name}\` ends in branches; read or write those instead (\`from: ${branchesOf(stream)[0] ?? `${name}.…`}\`)`,
      ),
    )
  }
  if (branching < 0 && sinks.length === 0 && !read.has(name)) {
    problems.push(
      file.problem(['streams', name], `\`${name}\` leads nowhere; add \`to:\` with a sink, or a stream that reads it`),
    )
  }
  return problems
}

const rightOf = (wrong: string, known: readonly string[]): string => {
  const near = nearest(wrong, known)
  if (near.length > 0) return `did you mean ${near.map((other) => `\`${other}\``).join(' or ')}?`
  return known.length > 0 ? `known are ${known.join(', ')}` : 'there is none'
}

/** Tables that nobody keeps, that two streams do, or whose rows of other keys are elsewhere. */
function findTableProblems(file: ConfigFile, streams: readonly PlannedStream[]): Problem[] {
  const kept = streams.flatMap(({ name, sinks }) =>
    sinks.flatMap(({ table, global = table }) => (global === undefined ? [] : [{ name, table: global }])),
  )
  const tables = kept.map(({ table }) => table)
  const problemOf = ({ table, anyKey }: Reads): string | undefined => {
    if (table === undefined) return undefined
    if (!tables.includes(table))
      return `no stream keeps the table \`${table}\` (\`to: { table: ${table} }\`); ${rightOf(table, tables)}`
    return anyKey
      ? `\`${table}\` has its rows in the tasks of their keys, so only the record's own key can be looked up; keep it for every task (\`to: { table: { name: ${table}, global: true } }\`), or give the records that key with \`keyBy\` before, and leave \`by\` out`
      : undefined
  }
  return [
    ...kept
      .filter(({ table }, at) => tables.indexOf(table) < at)
      .map(({ name, table }) =>
        file.problem(
          ['streams', name, 'to'],
          `two streams keep the table \`${table}\`; give each its own, or one stream that reads both`,
        ),
      ),
    ...streams.flatMap(({ name, steps }) =>
      steps.flatMap(({ spec, reads }, at) => {
        const problem = problemOf(reads)
        return problem === undefined ? [] : [file.problem(['streams', name, 'steps', at, spec.name], problem)]
      }),
    ),
  ]
}

/** Streams that read themselves, topics that feed themselves, dead letters that come back as input. */
export function findLoops(
  file: ConfigFile,
  sources: readonly PlannedSource[],
  streams: readonly PlannedStream[],
): Problem[] {
  const links = new Map<string, Set<string>>()
  const link = (from: string, to: string) => links.set(from, (links.get(from) ?? new Set()).add(to))
  // A topic leads on where it is a source; else it may well have the name of a stream.
  const write = (from: string, topic: string) => sources.some(({ name }) => name === topic) && link(from, topic)
  for (const stream of streams) {
    for (const origin of readsOf(stream)) link(origin, stream.name)
    for (const other of streams) if (keepsFor(other, stream)) link(other.name, stream.name)
    for (const branch of branchesOf(stream)) link(stream.name, branch)
    for (const { topic } of stream.sinks) if (topic) write(stream.name, topic.name)
  }
  for (const { name, deadLetters } of sources) write(name, deadLetters.topic)
  const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
    [...(links.get(from) ?? [])].some(
      (next) => next === goal || (!seen.has(next) && reaches(next, goal, seen.add(next))),
    )
  return [
    ...streams
      .filter(({ name }) => reaches(name, name))
      .map(({ name }) => file.problem(['streams', name], `\`${name}\` reads what it writes: an endless loop`)),
    ...sources
      .filter(({ name }) => reaches(name, name))
      .map(({ name, deadLetters }) =>
        file.problem(
          ['sources', name],
          deadLetters.topic === name
            ? `the dead letters of \`${name}\` would go back to \`${name}\``
            : `what is made from \`${name}\` goes back to \`${name}\`: an endless loop`,
        ),
      ),
  ]
}
