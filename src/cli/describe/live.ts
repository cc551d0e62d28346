import type { Broker, MemberInfo, TopicPartition } from '../../broker/broker.ts'
import { inputsOf, type Plan } from '../../topology/plan.ts'
import { table } from '../output.ts'

type Identity = Omit<MemberInfo, 'partitions' | 'standbys'>

interface LivePartition extends TopicPartition {
  /** Where the group goes on; null where it never committed. */
  readonly committed: number | null
  /** The offset after the last record there is. */
  readonly end: number
  /** Records from there to the end. */
  readonly lag: number
  /** Offsets that were deleted before the group read them; it does not know that yet. */
  readonly expired: number
  /** Who reads it; null where nobody does, or the broker cannot tell. */
  readonly member: Identity | null
}

/** How a pipeline's consumer group stands. */
export interface Live {
  readonly partitions: readonly LivePartition[]
  /** Members that have no partition. */
  readonly idle: readonly Identity[]
  /** Members that keep copies of the state of partitions which others have. */
  readonly standbys: readonly (Identity & { readonly partitions: readonly number[] })[]
}

export async function describeLive({ name: group, subtopologies }: Plan, broker: Broker): Promise<Live> {
  const names = subtopologies.flatMap(inputsOf)
  const [topics, committed, members] = await Promise.all([
    broker.topics(names),
    broker.committed(group),
    broker.members(group),
  ])
  const lanes = new Set(subtopologies.flatMap(({ sources }) => sources.flatMap(({ lane }) => lane ?? [])))
  // A lane that nothing was ever sent back by would be said beside each source.
  const told = topics.filter(({ name, partitions }) => !lanes.has(name) || partitions.some(({ end }) => end > 0n))
  const partitions = told.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partition, start, end }): LivePartition => {
      const isHere = (each: TopicPartition) => each.topic === topic && each.partition === partition
      const reached = committed.find(isHere)?.offset
      const next = reached !== undefined && reached > start ? reached : start
      const member = members.find((each) => each.partitions.some(isHere))
      return {
        topic,
        partition,
        committed: reached === undefined ? null : Number(reached),
        end: Number(end),
        lag: Number(end > next ? end - next : 0n),
        expired: reached === undefined || reached > start ? 0 : Number(start - reached),
        member: member ? identity(member) : null,
      }
    }),
  )
  return {
    partitions,
    idle: members.filter((member) => member.partitions.length === 0).map(identity),
    standbys: members
      .filter(({ standbys }) => standbys.length > 0)
      .map((member) => ({ ...identity(member), partitions: member.standbys })),
  }
}

const identity = ({ id, clientId, host, address }: MemberInfo): Identity => ({
  id,
  clientId,
  host,
  ...(address !== undefined && { address }),
})

export function liveAsText({ partitions, idle, standbys }: Live): string {
  const columns = ['topic', 'partition', 'committed', 'end', 'lag', 'client', 'host', 'member']
  const rows = partitions.map(({ topic, partition, committed, end, lag, member }) => [
    topic,
    partition,
    committed ?? '-',
    end,
    lag,
    ...(member ? [member.clientId, member.host, member.id] : ['-', '-', '-']),
  ])
  const spare = idle.map(({ clientId, host }) => `Without a partition: ${clientId} at ${host}\n`)
  const copies = standbys.map(
    (each) => `Standby of partitions ${each.partitions.join(', ')}: ${each.clientId} at ${each.host}\n`,
  )
  const gone = partitions
    .filter(({ expired }) => expired > 0)
    .map(
      ({ topic, partition, expired }) =>
        `${topic}, partition ${partition}: ${expired} offsets were deleted before they were read\n`,
    )
  return `${table(columns, rows)}${gone.join('')}${spare.join('')}${copies.join('')}`
}
