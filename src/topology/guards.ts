import { FloodGuard } from '../deadletter/flood.ts'
import type { Subtopology } from './plan.ts'

/** They judge a source over all its partitions, and outlive a task that they stopped. */
export const guardsOf = ({ sources }: Subtopology): ReadonlyMap<string, FloodGuard> =>
  new Map(sources.flatMap(({ name, deadLetters: { halt } }) => (halt ? [[name, new FloodGuard(halt)]] : [])))
