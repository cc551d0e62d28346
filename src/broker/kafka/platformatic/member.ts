import { Consumer, type GroupPartitionsAssigner } from '@platformatic/kafka'
import { assign, rebalanceTimeout, rejoinPause, termOf } from '../assignment.ts'
import { changelogOf } from '../changelog.ts'
import { memberRole, type Membership, type MembershipParts, type Term } from '../client.ts'
import { asBrokerError } from '../failure.ts'
import { decodeMemberData, encodeMemberData } from '../memberData.ts'
import { connectionOptions } from './options.ts'

/** Heartbeats between looks at how many partitions there are. */
const looksEvery = 10

/** Membership by the client's own consumer, of which nothing else is used. */
export class PlatformaticMembership implements Membership {
  readonly #consumer: Consumer
  readonly #topics: readonly string[]
  readonly #changelog: string
  readonly #changed: () => void
  /** Partitions of each topic at the last look, which an assignment by this member knows too. */
  #counts: ReadonlyMap<string, number> | undefined
  #leads = false
  #beats = 0
  #term: Term | undefined
  #rejoining: NodeJS.Timeout | undefined
  #closed = false
  leaving = false
  failure: Error | undefined

  constructor(parts: MembershipParts, changed: () => void) {
    const { settings, group, topics, thread, data } = parts
    this.#topics = topics
    this.#changelog = changelogOf(group)
    this.#changed = changed
    const { session, heartbeat } = settings.timeouts
    this.#consumer = new Consumer({
      ...connectionOptions(settings, memberRole(thread)),
      groupId: group,
      autocommit: false,
      sessionTimeout: session,
      rebalanceTimeout: Math.max(rebalanceTimeout, session),
      heartbeatInterval: heartbeat,
      protocols: [protocolWith(data)],
      partitionAssigner: assignOf(parts),
      retries: 10,
      retryDelay: 200,
    })
    this.#consumer.topics.trackAll(...topics, this.#changelog)
    this.#consumer.on('consumer:group:join', ({ isLeader }) => this.#joined(isLeader ?? false))
    this.#consumer.on('consumer:group:rebalance', () => (this.leaving = true))
    this.#consumer.on('consumer:heartbeat:end', () => {
      if (++this.#beats % looksEvery === 0) void this.#look()
    })
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
      this.#counts = await this.#count()
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

  #joined(leads: boolean): void {
    const { generationId, memberId, assignments } = this.#consumer
    this.#leads = leads
    this.failure = undefined
    this.leaving = false
    const assigned = (assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    const member = { generation: generationId, id: memberId! }
    this.#term = termOf(member, assigned, { topics: this.#topics, changelog: this.#changelog })
    this.#changed()
  }

  /** Of the others a join is no reason for a rebalance, so that it is the leader that sees to partitions which nobody was given. */
  async #look(): Promise<void> {
    try {
      const [before, now] = [this.#counts, await this.#count()]
      this.#counts = now
      if (this.#closed || !this.#leads || [...now].every(([topic, count]) => before?.get(topic) === count)) return
    } catch {
      return // Reading says what is wrong with a topic; the next look may tell.
    }
    this.leaving = true
    await this.#rejoin()
  }

  /** Asks the cluster, which the client does no more when it assigns soon after. */
  async #count(): Promise<Map<string, number>> {
    const { topics } = await this.#consumer.metadata({ topics: [...this.#topics], forceUpdate: true })
    return new Map([...topics].map(([topic, { partitionsCount }]) => [topic, partitionsCount]))
  }

  async #rejoin(): Promise<void> {
    if (!this.#closed) await this.#consumer.joinGroup({}).catch((thrown: Error) => this.#lost(thrown))
  }

  /** The client stops to try after a while; this does not. */
  #lost(error: Error): void {
    if (this.#closed) return
    this.leaving = true
    this.failure = asBrokerError(error, `The group ${this.#consumer.groupId} was left`)
    this.#changed()
    clearTimeout(this.#rejoining)
    this.#rejoining = setTimeout(() => void this.#rejoin(), rejoinPause)
  }
}

/** The client's default, and what it is to carry: read anew for each join, and left undecoded. */
const protocolWith = (data: MembershipParts['data']) => ({
  name: 'roundrobin',
  version: 1,
  get metadata(): Buffer {
    return encodeMemberData(data())
  },
})

const assignOf =
  ({ topics, group, standbyReplicas }: MembershipParts): GroupPartitionsAssigner =>
  (_current, joined, _topics, { topics: known }) => {
    const members = new Map(
      [...joined].map(([id, member]) => [
        id,
        { topics: member.topics ?? topics, data: decodeMemberData(member.metadata as Buffer | undefined) },
      ]),
    )
    const counts = new Map(topics.map((topic) => [topic, known.get(topic)?.partitionsCount ?? 0]))
    return [...assign({ members, counts, changelog: changelogOf(group), standbyReplicas })].map(
      ([memberId, places]) => {
        const byTopic = Map.groupBy(places, ({ topic }) => topic)
        const assignments = [...byTopic].map(([topic, own]): [string, { topic: string; partitions: number[] }] => [
          topic,
          { topic, partitions: own.map(({ partition }) => partition) },
        ])
        return { memberId, assignments: new Map(assignments) }
      },
    )
  }
