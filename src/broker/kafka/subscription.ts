import { setTimeout } from 'node:timers/promises'
import {
  BrokerError,
  PartitionUnreadable,
  type Batch,
  type Lag,
  type StandbyInfo,
  type RebalanceListener,
  type Subscription,
  type TopicPartition,
} from '../broker.ts'
import { checkMaxRecords } from '../maxRecords.ts'
import { AssignedPartition, unknown } from './assigned.ts'
import { changelogOf } from './changelog.ts'
import type { Client, Membership, MembershipParts, Term } from './client.ts'
import { passes } from './failure.ts'
import type { Network } from './network.ts'
import { committedOffsets, logOffsets, offsetOf, type CommittedOffset } from './offsets.ts'
import { Pace } from './pace.ts'
import { isSame, nameOf, place } from './place.ts'
import { fetchEach } from './reader.ts'
import { takeFrom } from './take.ts'

export interface SubscriptionParts extends MembershipParts {
  readonly client: Client
  /** For records; a request on it may wait until some come. */
  readonly network: Network
  /** For what is to be answered at once. */
  readonly ask: Network
  readonly listener: RebalanceListener | undefined
  readonly standbys: () => readonly StandbyInfo[]
  /** What a rebalance gave, and what the group committed for its partitions. */
  readonly taken: (term: Omit<Term, 'member'>, committed: readonly CommittedOffset[]) => void
  /** Partitions go; of some a copy stays. */
  readonly given: (partitions: readonly TopicPartition[], standbys: readonly number[]) => void
}

/** A partition is fetched ahead up to about so much, in records. */
const enoughRecords = 8_000
/** With data at hand elsewhere, others are not kept waiting for longer, in milliseconds. */
const shortWait = 50
const longWait = 500
const limits = { maxBytes: 8_388_608, partitionBytes: 1_048_576 }

/** A member's partitions: fetched ahead, given out by poll, taken away by a rebalance. */
export class KafkaSubscription implements Subscription {
  readonly #parts: SubscriptionParts
  readonly #membership: Membership
  readonly #pace: Pace
  readonly #own = new Map<string, AssignedPartition>()
  readonly #fetching = new Map<number, Promise<void>>()
  #term: Term | undefined
  #failure: Error | undefined
  #closed = false
  /** A partition that could not be read can be read again: whoever polls shall know that all is well. */
  #recovered = false
  #turn = 0
  #wake = Promise.withResolvers<void>()

  private constructor(parts: SubscriptionParts) {
    this.#parts = parts
    this.#pace = new Pace(parts.settings.timeouts.session)
    this.#membership = parts.client.member(parts, () => this.#ring())
  }

  static async open(parts: SubscriptionParts): Promise<KafkaSubscription> {
    const subscription = new KafkaSubscription(parts)
    try {
      // The first group of a cluster waits until there is a topic for its offsets.
      await parts.network.persist(`The group ${parts.group} cannot be joined`, () => subscription.#membership.join())
      await subscription.#adopt()
    } catch (thrown) {
      await subscription.close()
      throw thrown
    }
    return subscription
  }

  async poll({ maxRecords, signal }: { readonly maxRecords: number; readonly signal: AbortSignal }): Promise<Batch[]> {
    checkMaxRecords(maxRecords)
    this.#checkOpen()
    const ring = () => this.#ring()
    signal.addEventListener('abort', ring)
    try {
      while (!signal.aborted && !this.#closed) {
        if (this.#membership.term !== this.#term) await this.#adopt()
        this.#throwFailure()
        const batches = this.#membership.leaving ? [] : this.#take(Math.min(maxRecords, this.#pace.share))
        const ahead = this.#fetchAhead().catch((thrown: Error) => (this.#failure = thrown))
        if (batches.length > 0 || this.#recovered) {
          this.#recovered = false
          this.#pace.gave(batches.reduce((sum, { records }) => sum + records.length, 0))
          return batches
        }
        await ahead
        if (this.#failure === undefined) await this.#wake.promise
        this.#wake = Promise.withResolvers()
      }
      return []
    } finally {
      signal.removeEventListener('abort', ring)
    }
  }

  pause(partition: TopicPartition): void {
    const own = this.#find(partition)
    if (own) own.paused = true
  }

  resume(partition: TopicPartition): void {
    const own = this.#find(partition)
    if (!own?.paused) return
    own.paused = false
    this.#ring()
  }

  /** The position is known at the next poll. */
  rewind(partition: TopicPartition): void {
    const own = this.#find(partition)
    if (!own) return
    own.jump(unknown)
    this.#ring()
  }

  get standbys(): readonly StandbyInfo[] {
    return this.#parts.standbys()
  }

  async lag(): Promise<Lag[]> {
    this.#checkOpen()
    await this.#locate()
    const own = [...this.#own.values()]
    const { ask } = this.#parts
    const [starts, ends] = await Promise.all([logOffsets(ask, own, 'earliest'), logOffsets(ask, own, 'latest')])
    return own.map(({ topic, partition, position }, at) => ({
      topic,
      partition,
      start: BigInt(starts[at]!),
      position: BigInt(position),
      end: BigInt(Math.max(ends[at]!, position)),
    }))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#ring()
    await this.#membership.close()
    this.#parts.given([...this.#own.values()], [])
    this.#parts.taken({ partitions: [], standbys: [] }, [])
    this.#own.clear()
  }

  #ring(): void {
    this.#wake.resolve()
  }

  #checkOpen(): void {
    if (this.#closed) throw new BrokerError(`The subscription of ${this.#parts.group} is closed.`)
  }

  #find({ topic, partition }: TopicPartition): AssignedPartition | undefined {
    this.#checkOpen()
    const { group, topics } = this.#parts
    if (topics.includes(topic)) return this.#own.get(nameOf(topic, partition))
    throw new BrokerError(`${group} does not read ${topic} here, only ${topics.join(', ')}.`)
  }

  #throwFailure(): void {
    const failure = this.#failure ?? this.#membership.failure
    this.#failure = undefined
    this.#membership.failure = undefined
    if (failure) throw failure
  }

  /** A rebalance: everything is given up, then what it assigned is taken up from what the group committed. */
  async #adopt(): Promise<void> {
    const { listener, given, taken } = this.#parts
    while (this.#membership.term && this.#membership.term !== this.#term && !this.#closed) {
      const term = this.#membership.term
      const before = [...this.#own.values()].map(place)
      this.#own.clear()
      if (before.length > 0) await listener?.revoked(before)
      const kept = (each: TopicPartition) => term.partitions.some((own) => isSame(own, each))
      const lost = before.filter((each) => !kept(each))
      given(lost, term.standbys)
      const committed = await this.#committed(term.partitions)
      if (this.#membership.term !== term) continue
      await this.#place(term.partitions, committed)
      taken(term, committed)
      await listener?.assigned(term.partitions, term.member)
      this.#term = term
    }
  }

  /** The group's offsets of partitions, and of the changelog partitions that belong to them. */
  async #committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    const { network, settings, group } = this.#parts
    const numbers = new Set(partitions.map(({ partition }) => partition))
    const changelogs = [...numbers].map((partition) => ({ topic: changelogOf(group), partition }))
    const timeout = settings.timeouts.transaction + settings.timeouts.delivery
    return committedOffsets(network, group, [...partitions.map(place), ...changelogs], timeout)
  }

  async #place(partitions: readonly TopicPartition[], committed: readonly CommittedOffset[]): Promise<void> {
    const starts = await logOffsets(this.#parts.network, partitions, 'earliest')
    for (const [at, { topic, partition }] of partitions.entries()) {
      const offset = offsetOf(committed, { topic, partition })
      this.#own.set(nameOf(topic, partition), new AssignedPartition({ topic, partition }, offset, starts[at]!))
    }
  }

  /** Where rewound partitions are to go on. */
  async #locate(): Promise<void> {
    const lost = [...this.#own.values()].filter(({ position }) => position === unknown)
    if (lost.length === 0) return
    const epochs = lost.map(({ epoch }) => epoch)
    const committed = await this.#committed(lost)
    const starts = await logOffsets(this.#parts.network, lost, 'earliest')
    for (const [at, own] of lost.entries()) {
      if (own.epoch !== epochs[at] || own.position !== unknown) continue
      own.goOn(offsetOf(committed, own), starts[at]!)
    }
  }

  /** Asks each node for what will be wanted next, one request at a time. */
  async #fetchAhead(): Promise<void> {
    await this.#locate()
    const byNode = new Map<number, AssignedPartition[]>()
    for (const own of this.#own.values()) {
      if (own.position === unknown || own.waiting >= enoughRecords || own.isHeld(Date.now())) continue
      const leader = await this.#leaderOf(own)
      if (leader !== undefined) byNode.set(leader, [...(byNode.get(leader) ?? []), own])
    }
    for (const [node, wanted] of byNode) {
      if (this.#fetching.has(node)) continue
      const fetching = this.#fetch(node, wanted).finally(() => {
        this.#fetching.delete(node)
        this.#ring()
      })
      this.#fetching.set(node, fetching)
    }
  }

  /** Undefined where it cannot be read now. */
  async #leaderOf(own: AssignedPartition): Promise<number | undefined> {
    const { network, settings } = this.#parts
    const { topic, partition } = own
    const leader = await network.persist(
      `${topic} cannot be read`,
      async () => (await network.leaders(topic))?.[partition],
      settings.timeouts.request,
    )
    const gone = `There is no partition ${partition} of ${topic} any more. Create it again; it goes on by itself then.`
    if (leader === undefined) this.#hold(own, gone)
    own.belongTo(network.topicId(topic))
    return leader
  }

  /** Says why a partition cannot be read, and leaves it alone for a while. */
  #hold(own: AssignedPartition, message: string): void {
    this.#failure = new PartitionUnreadable(message)
    void setTimeout(own.hold(Date.now()), undefined, { ref: false }).then(() => this.#ring())
  }

  async #fetch(node: number, wanted: readonly AssignedPartition[]): Promise<void> {
    const { network } = this.#parts
    const asked = wanted.map((own) => ({ own, epoch: own.epoch, offset: own.fetchFrom }))
    const positions = asked.map(({ own: { topic, partition }, offset }) => ({ topic, partition, offset }))
    const maxWait =
      wanted.length === this.#own.size && wanted.every(({ waiting }) => waiting === 0) ? longWait : shortWait
    try {
      const fetched = await fetchEach(network, node, positions, { ...limits, maxWait })
      for (const each of fetched) {
        const { own, epoch, offset } = asked.find(({ own }) => isSame(own, each))!
        if (this.#own.get(nameOf(own.topic, own.partition)) !== own || own.epoch !== epoch) continue
        if ('failure' in each) this.#failed(own, each.failure)
        else {
          own.keep(each, offset)
          this.#recovered ||= own.recover()
        }
      }
      if (fetched.some((each) => 'failure' in each)) await setTimeout(shortWait)
    } catch (thrown) {
      network.refresh()
      if (!passes(thrown)) this.#failure = thrown as Error
      await setTimeout(shortWait)
    }
  }

  #take(maxRecords: number): Batch[] {
    return takeFrom([...this.#own.values()], maxRecords, this.#turn++, (own, { message }) =>
      this.#hold(own, `${own.topic}, partition ${own.partition}, cannot be read: ${message}`),
    )
  }

  #failed(own: AssignedPartition, failure: BrokerError): void {
    this.#parts.network.refresh()
    if (!passes(failure)) this.#hold(own, failure.message)
  }
}
