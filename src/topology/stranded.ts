import type { StateReader } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import { strandedIn } from './held.ts'
import { sourcesByName, type Plan } from './plan.ts'

/** Says which records are under way of sources that the config no longer has. */
export function warnOfStranded(state: StateReader, { plan, log }: { readonly plan: Plan; readonly log: Log }): void {
  const sources = sourcesByName(plan.subtopologies.flatMap((subtopology) => subtopology.sources))
  const steps = plan.subtopologies.flatMap(({ streams }) => streams.flatMap((stream) => stream.steps))
  const known = new Set([...sources.keys(), ...steps.map(({ id }) => id)])
  for (const [source, records] of strandedIn(state, known)) {
    log.warn({ source, records }, `${records} under way of ${source}, which the config no longer has: they wait for it`)
  }
}
