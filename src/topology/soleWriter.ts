import type { Broker, TopicPartition } from '../broker/broker.ts'
import { inputsOf, type Plan } from './plan.ts'

/** The sinks that only one may write to, by their ids. */
export const soleWriters = ({ subtopologies }: Plan): readonly string[] =>
  subtopologies
    .flatMap(({ streams }) => streams.flatMap(({ sinks }) => sinks))
    .filter(({ spec }) => spec.soleWriter)
    .map(({ id }) => id)

/**
 * Refuses to share a pipeline whose sinks only one may write to: who has some of its partitions must have them all.
 * @throws Error saying which sinks, and who else there is
 */
export async function checkWriters(
  plan: Plan,
  assigned: readonly TopicPartition[],
  broker: Pick<Broker, 'topics'>,
): Promise<void> {
  const sinks = soleWriters(plan)
  if (sinks.length === 0 || assigned.length === 0) return
  const names = plan.subtopologies.flatMap(inputsOf)
  const own = new Set(assigned.map(({ topic, partition }) => `${topic}/${partition}`))
  const missing = (await broker.topics(names))
    .flatMap(({ name, partitions }) => partitions.map(({ partition }) => `${name}/${partition}`))
    .filter((place) => !own.has(place))
  if (missing.length === 0) return
  throw new Error(
    `Another member of ${plan.name} has ${missing.join(', ')}, and only one may write to ${sinks.join(', ')}: two would write over one another. Run one replica with one thread, or write to a topic.`,
  )
}
