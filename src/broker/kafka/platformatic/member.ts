import { Consumer, type GroupPartitionsAssigner } from '@platformatic/kafka'
import { assignByNumber, rebalanceTimeout, rejoinPause } from '../assignment.ts'
import { memberRole, type Membership, type MembershipParts, type Term } from '../client.ts'
import { asBrokerError } from '../failure.ts'
import { connectionOptions } from './options.ts'

/** Membership by the client's own consumer, of which nothing else is used. */
export class PlatformaticMembership implements Membership {
  readonly #consumer: Consumer
  readonly #changed: () => void
  #term: Term | undefined
  #rejoining: NodeJS.Timeout | undefined
  #closed = false
  leaving = false
  failure: Error | undefined

  constructor({ settings, group, topics, thread }: MembershipParts, changed: () => void) {
    this.#changed = changed
    const { session, heartbeat } = settings.timeouts
    this.#consumer = new Consumer({
      ...connectionOptions(settings, memberRole(thread)),
      groupId: group,
      autocommit: false,
      sessionTimeout: session,
      rebalanceTimeout: Math.max(rebalanceTimeout, session),
      heartbeatInterval: heartbeat,
      partitionAssigner: assign,
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

  get term(): Term | undefined {
    return this.#term
  }

  async join(): Promise<void> {
    try {
      await this.#consumer.joinGroup({})
    } catch (thrown) {
      throw asBrokerError(thrown, `The group ${this.#consumer.groupId} cannot be joined`)
    }
  }

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

const assign: GroupPartitionsAssigner = (_current, members, topics, { topics: known }) => {
  const readers = new Map([...members].map(([id, member]) => [id, member.topics ?? [...topics]]))
  const counts = new Map([...topics].map((topic) => [topic, known.get(topic)?.partitionsCount ?? 0]))
  return [...assignByNumber(readers, counts)].map(([memberId, places]) => {
    const byTopic = Map.groupBy(places, ({ topic }) => topic)
    const assignments = [...byTopic].map(([topic, own]): [string, { topic: string; partitions: number[] }] => [
      topic,
      { topic, partitions: own.map(({ partition }) => partition) },
    ])
    return { memberId, assignments: new Map(assignments) }
  })
}
