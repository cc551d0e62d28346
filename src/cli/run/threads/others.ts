import type { Broker, TopicPartition } from '../../../broker/broker.ts'
import { conservationOf } from '../../../topology/conservation.ts'
import { inputsOf, type Plan, type PlannedSource } from '../../../topology/plan.ts'

/** What of a group's work lies in partitions that nobody here has. */
export interface OthersWork {
  /** Whether they hold records that the group has not committed. */
  readonly unread: boolean
  /** Whether records of the pipeline are under way, where others have any partitions; only exact counts tell. */
  readonly inFlight: boolean
}

/**
 * @param own the partitions of this process
 * @param exact whether the counts are those of the records: at least once, after a crash they may never get there
 */
export async function workOfOthers(
  plan: Plan,
  own: readonly TopicPartition[],
  broker: Pick<Broker, 'topics' | 'committed' | 'counts'>,
  exact: boolean,
): Promise<OthersWork> {
  const names = plan.subtopologies.flatMap(inputsOf)
  const topics = await broker.topics(names)
  const elsewhere = topics.flatMap(({ name: topic, partitions }) =>
    partitions
      .map((info) => ({ ...info, topic }))
      .filter(({ partition }) => !own.some((each) => each.topic === topic && each.partition === partition)),
  )
  if (elsewhere.length === 0) return { unread: false, inFlight: false }
  const committed = await broker.committed(plan.name)
  const unread = elsewhere.some(({ topic, partition, start, end }) => {
    const reached = committed.find((each) => each.topic === topic && each.partition === partition)?.offset
    return (reached ?? start) < end
  })
  if (!exact || !plan.subtopologies.every(({ sources }) => sources.every(endsByItself)))
    return { unread, inFlight: false }
  const rows = conservationOf(plan, await broker.counts(plan.name))
  return { unread, inFlight: rows.some(({ inFlight }) => inFlight > 0) }
}

/** Whether what is under way of a source ends without a redrive, and in this pipeline. */
const endsByItself = ({ retriesOf, deadLetters: { parked, retry } }: PlannedSource): boolean =>
  retriesOf === undefined && !parked && retry.topic === undefined
