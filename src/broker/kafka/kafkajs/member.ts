import { setTimeout } from 'node:timers/promises'
import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka'
import { assign, rebalanceTimeout, rejoinPause, termOf } from '../assignment.ts'
import { changelogOf } from '../changelog.ts'
import { memberRole, type Membership, type MembershipParts, type Term } from '../client.ts'
import { asBrokerError, codesOf } from '../failure.ts'
import { Network, type Api } from '../network.ts'
import type { KafkaSettings } from '../settings.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './assignments.ts'
import { connect } from './connections.ts'

const protocolType = 'consumer'
/** As the other client calls it, so that a group may have members of both. */
const protocol = 'roundrobin'
/** Heartbeats between looks at how many partitions there are. */
const looksEvery = 10

/**
 * Membership without the consumer of kafkajs, which gives no generation to commit by, ends on a deleted topic, and
 * resolves a commit without a word when it is not running.
 */
export class KafkajsMembership implements Membership {
  readonly #settings: KafkaSettings
  readonly #group: string
  readonly #topics: readonly string[]
  readonly #parts: MembershipParts
  readonly #changed: () => void
  readonly #network: Network
  readonly #closing = new AbortController()
  #id = ''
  #term: Term | undefined
  #isIn = false
  leaving = false
  /** Partitions of each topic, for the member that assigns them. */
  #counts: ReadonlyMap<string, number> | undefined
  failure: Error | undefined

  constructor(parts: MembershipParts, changed: () => void) {
    const { settings, group, topics, thread } = parts
    this.#parts = parts
    this.#settings = settings
    this.#group = group
    this.#topics = topics
    this.#changed = changed
    this.#network = new Network(settings, connect(settings, memberRole(thread)))
  }

  get term(): Term | undefined {
    return this.#term
  }

  async join(): Promise<void> {
    await this.#enter()
    void this.#stay()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    // A join that waits for other members would hold up what comes after it.
    await this.#network.close()
    if (this.#id === '') return
    const network = new Network(this.#settings, connect(this.#settings, 'group'))
    const members = [{ memberId: this.#id, groupInstanceId: null, reason: 'it stops' }]
    // Where the cluster cannot be reached, the session ends by itself.
    await network.callCoordinator('group', this.#group, leaveGroupV5.api, this.#group, members).catch(() => {})
    await network.close()
  }

  /** Heartbeats, and whatever it takes to be in the group, until it is closed. */
  async #stay(): Promise<void> {
    let pause = this.#settings.timeouts.heartbeat
    for (let beats = 1; await this.#isOpenAfter(pause); beats++) {
      try {
        if (this.#isIn) await this.#beat(beats % looksEvery === 0)
        else await this.#enter()
        pause = this.#settings.timeouts.heartbeat
      } catch (thrown) {
        if (this.#closing.signal.aborted) return
        this.leaving = true
        this.failure = asBrokerError(thrown, `The group ${this.#group} was left`)
        this.#changed()
        pause = rejoinPause
      }
    }
  }

  #isOpenAfter(pause: number): Promise<boolean> {
    return setTimeout(pause, true, { signal: this.#closing.signal }).catch(() => false)
  }

  /** Where no coordinator answers, the next one may still know this member: only what it says calls for a join. */
  async #beat(looks: boolean): Promise<void> {
    const { id, generation } = this.#term!.member
    try {
      await this.#network.persist(
        `No heartbeat of ${this.#group} is answered`,
        () => this.#call(heartbeatV4.api, this.#group, generation, id, null),
        this.#settings.timeouts.session,
      )
    } catch (thrown) {
      if (!callsForJoin(thrown)) throw thrown
      return this.#enter()
    }
    if (this.leaving) this.#stays()
    if (looks && this.#counts && (await this.#haveMorePartitions(this.#counts))) await this.#enter()
  }

  /** Joins, until the group has settled with it. */
  async #enter(): Promise<void> {
    this.#isIn = false
    this.leaving = true
    for (;;) {
      try {
        this.#term = await this.#network.persist(`The group ${this.#group} cannot be joined`, () => this.#joinOnce())
        this.#isIn = true
        return this.#stays()
      } catch (thrown) {
        if (!callsForJoin(thrown)) throw thrown
        this.#id = nextId(thrown, this.#id)
      }
    }
  }

  #stays(): void {
    this.leaving = false
    this.failure = undefined
    this.#changed()
  }

  async #joinOnce(): Promise<Term> {
    const { session } = this.#settings.timeouts
    const { generationId: generation, ...joined } = await this.#call(
      joinGroupV9.api,
      this.#group,
      session,
      Math.max(rebalanceTimeout, session),
      this.#id,
      null,
      protocolType,
      [
        {
          name: protocol,
          metadata: encodeSubscription([...this.#topics, changelogOf(this.#group)], this.#parts.data()),
        },
      ],
      null,
    )
    const id = (this.#id = joined.memberId)
    const given = joined.leader === id ? await this.#assign(joined.members) : []
    if (joined.leader !== id) this.#counts = undefined
    const { assignment } = await this.#call(
      syncGroupV5.api,
      this.#group,
      generation,
      id,
      null,
      protocolType,
      protocol,
      given,
    )
    const changelog = changelogOf(this.#group)
    return termOf({ generation, id }, decodeAssignment(assignment), { topics: this.#topics, changelog })
  }

  async #assign(members: readonly { readonly memberId: string; readonly metadata: Buffer }[]) {
    const readers = new Map(members.map(({ memberId, metadata }) => [memberId, decodeSubscription(metadata)]))
    const topics = new Set([...readers.values()].flatMap((reader) => reader.topics))
    const changelog = changelogOf(this.#group)
    topics.delete(changelog)
    this.#counts = await this.#count([...topics])
    const { standbyReplicas } = this.#parts
    return [...assign({ members: readers, counts: this.#counts, changelog, standbyReplicas })].map(
      ([memberId, places]) => ({
        memberId,
        assignment: encodeAssignment(places),
      }),
    )
  }

  async #count(topics: readonly string[]): Promise<Map<string, number>> {
    const described = await this.#network.describe(topics)
    return new Map(described.map(({ name, partitions }) => [name, partitions.length]))
  }

  /** Whether there are topics or partitions that nobody was given. A topic that is gone may come back. */
  async #haveMorePartitions(counts: ReadonlyMap<string, number>): Promise<boolean> {
    const now = await this.#network.persist('Topics cannot be described', () => this.#count(this.#topics))
    return [...now].some(([topic, count]) => counts.get(topic) !== count)
  }

  #call<A extends unknown[], R>(api: Api<A, R>, ...args: A): Promise<R> {
    return this.#network.callCoordinator('group', this.#group, api, ...args)
  }
}

/** What a member answers by joining again. */
const rejoinCodes = new Set(['MEMBER_ID_REQUIRED', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'])

const callsForJoin = (thrown: unknown): boolean => codesOf(thrown).some((code) => rejoinCodes.has(code))

/** The id that a coordinator gives to a member that comes without one; an id that it does not know is given up. */
function nextId(thrown: unknown, id: string): string {
  const codes = codesOf(thrown)
  if (codes.includes('UNKNOWN_MEMBER_ID')) return ''
  if (!codes.includes('MEMBER_ID_REQUIRED')) return id
  const { response } = (thrown as Error).cause as { readonly response: { readonly memberId: string } }
  return response.memberId
}
