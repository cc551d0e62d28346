import { hostname } from 'node:os'
import { Consumer, type GroupPartitionsAssigner } from '@platformatic/kafka'
import type { GroupMember, TopicPartition } from '../broker.ts'
import { connectionOptions } from './connection.ts'
import { asBrokerError } from './failure.ts'
import type { KafkaSettings } from './settings.ts'

export interface MembershipParts {
  readonly settings: KafkaSettings
  readonly group: string
  readonly topics: readonly string[]
  /** The thread of this process that is the member. */
  readonly thread: number
}

/** What a rebalance gave to this member. */
export interface Term {
  readonly member: GroupMember
  readonly partitions: readonly TopicPartition[]
}

/** How long a rebalance waits for its members, in milliseconds. */
const rebalanceTimeout = 30_000
/** Between attempts to come back to a group. */
const rejoinPause = 1_000

/**
 * Membership of a consumer group by the classic protocol, with heartbeats in the background. KIP-848 groups give no
 * generation that a transaction could be fenced by (seen with the client's 2.12).
 */
export class Membership {
  readonly #consumer: Consumer
  readonly #changed: () => void
  #term: Term | undefined
  #rejoining: NodeJS.Timeout | undefined
  #closed = false
  /** Whether its term is about to end: what is begun now would hardly be committed in it. */
  leaving = false
  /** Why it is not in its group, if so. */
  failure: Error | undefined

  /** @param changed called after each rebalance, and when `failure` is set */
  constructor({ settings, group, topics, thread }: MembershipParts, changed: () => void) {
    this.#changed = changed
    const { session, heartbeat } = settings.timeouts
    this.#consumer = new Consumer({
      // Whoever looks at the group sees which replica and which of its threads a member is.
      ...connectionOptions(settings, `${hostname()}-${process.pid}-${thread}`),
      groupId: group,
      autocommit: false,
      sessionTimeout: session,
      rebalanceTimeout: Math.max(rebalanceTimeout, session),
      heartbeatInterval: heartbeat,
      partitionAssigner: assignByNumber,
      retries: 10,
      retryDelay: 200,
    })
    this.#consumer.topics.trackAll(...topics)
    this.#consumer.on('consumer:group:join', () => this.#joined())
    this.#consumer.on('consumer:group:rebalance', () => (this.leaving = true))
    this.#consumer.on('error', (error) => this.#lost(error))
    this.#consumer.on('consumer:heartbeat:stalled', ({ lastError }) =>
      this.#lost(lastError ?? new Error('no heartbeat was answered')),
    )
  }

  /** What the last rebalance gave; undefined before the first. */
  get term(): Term | undefined {
    return this.#term
  }

  /** @throws BrokerError */
  async join(): Promise<void> {
    try {
      await this.#consumer.joinGroup({})
    } catch (thrown) {
      throw asBrokerError(thrown, `The group ${this.#consumer.groupId} cannot be joined`)
    }
  }

  /** Leaves the group, so that others need not wait for its session to end. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#rejoining)
    // Where the cluster cannot be reached, the session ends by itself.
    await this.#consumer.close(true).catch(() => {})
  }

  #joined(): void {
    const { generationId, memberId, assignments } = this.#consumer
    this.failure = undefined
    this.leaving = false
    const partitions = (assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    this.#term = { member: { generation: generationId, id: memberId! }, partitions }
    this.#changed()
  }

  /** The client stops to try after a while; this does not. */
  #lost(error: Error): void {
    if (this.#closed) return
    this.leaving = true
    this.failure = asBrokerError(error, `The group ${this.#consumer.groupId} was left`)
    this.#changed()
    clearTimeout(this.#rejoining)
    this.#rejoining = setTimeout(() => {
      if (!this.#closed) this.#consumer.joinGroup({}).catch((thrown: Error) => this.#lost(thrown))
    }, rejoinPause)
  }
}

/** Partition p of every topic goes to the same member, which has the state of partition p too. */
const assignByNumber: GroupPartitionsAssigner = (_current, members, topics, { topics: known }) => {
  const ids = [...members.keys()].toSorted()
  const assignments = new Map(
    ids.map((memberId) => [
      memberId,
      { memberId, assignments: new Map<string, { topic: string; partitions: number[] }>() },
    ]),
  )
  for (const topic of topics) {
    const readers = ids.filter((id) => members.get(id)!.topics?.includes(topic) ?? true)
    const count = known.get(topic)?.partitionsCount ?? 0
    for (let partition = 0; partition < count && readers.length > 0; partition++) {
      const own = assignments.get(readers[partition % readers.length]!)!.assignments
      const entry = own.get(topic) ?? { topic, partitions: [] }
      entry.partitions.push(partition)
      own.set(topic, entry)
    }
  }
  return [...assignments.values()]
}
