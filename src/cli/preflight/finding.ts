import type { Problem } from '../../topology/read.ts'
import { externalSources } from '../../topology/plan.ts'
import type { PlannedFile } from '../plans.ts'

/** What the live broker would do to a pipeline. An error keeps it from working or loses records; a warning may. */
export interface Finding extends Problem {
  readonly severity: 'error' | 'warning'
}

/** What a topic is to a pipeline. */
export type Role = 'source' | 'connector' | 'deadLetters' | 'output' | 'internal'

/** A topic of a pipeline: what it is for, and where the config speaks of it. */
export interface PlacedTopic {
  readonly name: string
  readonly role: Role
  /** Of an option of it, where the config has it, else of the topic itself. */
  path(option?: 'partitions' | 'retention'): readonly PropertyKey[]
}

/** Where a config speaks of the topics that it needs; those of Oxbow's own belong to its name. */
export function placesOf({ file: { config }, plan }: PlannedFile): (topic: string) => PlacedTopic {
  const sources = externalSources(plan)
  const streams = plan.subtopologies.flatMap((subtopology) => subtopology.streams)
  const has = (entry: unknown, option: string | undefined) =>
    option !== undefined && Object.hasOwn(Object(entry) as object, option)
  return (name) => {
    const source = sources.find((each) => each.name === name)
    if (source) {
      const path = ['sources', name]
      const role = source.spec.open ? 'connector' : 'source'
      return { name, role, path: (option) => (has(config.sources[name], option) ? [...path, option!] : path) }
    }
    const served = sources.find(({ lane, deadLetters }) => lane === name || deadLetters.retry.topic === name)
    if (served) return { name, role: 'internal', path: () => ['sources', served.name] }
    const failing = sources.find(({ deadLetters }) => deadLetters.topic === name)
    if (failing) {
      const own = (config.sources[failing.name] as { deadLetters?: object }).deadLetters
      const path = (option = 'topic') => {
        if (has(own, option)) return ['sources', failing.name, 'deadLetters', option]
        return has(config.deadLetters, option) ? ['deadLetters', option] : ['sources', failing.name]
      }
      return { name, role: 'deadLetters', path: (option) => path(option === 'retention' ? option : 'topic') }
    }
    for (const { name: stream, sinks } of streams) {
      const at = sinks.findIndex(({ topic }) => topic?.name === name)
      if (at < 0) continue
      const path = ['streams', stream, 'to', ...(Array.isArray(config.streams[stream]!.to) ? [at] : [])]
      return { name, role: 'output', path: () => path }
    }
    return { name, role: 'internal', path: () => (name.endsWith('-changelog') ? ['name'] : ['monitor']) }
  }
}

/** Makes findings of one config. */
export const finder =
  ({ file }: PlannedFile, severity: Finding['severity']) =>
  (path: readonly PropertyKey[], message: string): Finding => ({ ...file.problem(path, message), severity })
