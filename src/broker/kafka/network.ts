import { setTimeout } from 'node:timers/promises'
import { findCoordinatorV4, ProtocolError, type Connection as PlatformaticConnection } from '@platformatic/kafka'
import type { TopicPartition } from '../broker.ts'
import type { Connections, Node } from './client.ts'
import { asBrokerError, codesOf, passes } from './failure.ts'
import { metadata, type ClusterMetadata, type TopicMetadata } from './protocol.ts'
import type { KafkaSettings } from './settings.ts'
import { unreachable } from './unreachable.ts'

/** The callable part of the protocol APIs that @platformatic/kafka makes. */
export interface Api<Arguments extends unknown[], Response> {
  async(connection: PlatformaticConnection, ...args: Arguments): Promise<Response>
}

const coordinatorKinds = { group: 0, transaction: 1 } as const
export type CoordinatorKind = keyof typeof coordinatorKinds

const firstPause = 5
const longestPause = 1_000
const unknownTopic = 3
/** A topic in use is described again after so long, in milliseconds: it may have been given more partitions. */
const metadataAge = 60_000

/** The nodes of a cluster, and who leads what. What fails and may pass is tried again. */
export class Network {
  readonly #settings: KafkaSettings
  readonly #connections: Connections
  readonly #bootstrap: readonly Node[]
  #nodes = new Map<number, Node>()
  readonly #topics = new Map<string, TopicMetadata>()
  /** When it was last asked for each topic. */
  readonly #asked = new Map<string, number>()
  readonly #coordinators = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor(settings: KafkaSettings, connections: Connections) {
    this.#settings = settings
    this.#connections = connections
    this.#bootstrap = settings.brokers.map(nodeOf)
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /**
   * The nodes that lead the partitions of a topic, in their order; -1 where none does now; undefined without such a topic.
   * Nobody waits for a topic that is known: it is told as it was about a minute ago at most, while it is asked for regularly.
   */
  async leaders(topic: string): Promise<readonly number[] | undefined> {
    if (!this.#topics.has(topic)) await this.describe([topic])
    return this.knownLeaders(topic)
  }

  /** The same at once; undefined for a topic that is not known. */
  knownLeaders(topic: string): readonly number[] | undefined {
    const known = this.#topics.get(topic)
    if (known && Date.now() - (this.#asked.get(topic) ?? 0) > metadataAge) {
      this.#asked.set(topic, Date.now())
      void this.describe([topic]).catch(() => {}) // Who talks to its leaders finds out by itself what is wrong.
    }
    return known?.partitions.map(({ leader }) => leader)
  }

  /** The term of the leader that was told last. @throws ProtocolError when it has been forgotten since */
  leaderEpoch({ topic, partition }: TopicPartition): number {
    const known = this.#topics.get(topic)?.partitions[partition]
    if (!known) throw new ProtocolError('UNKNOWN_LEADER_EPOCH')
    return known.leaderEpoch
  }

  /** What tells a topic from one of its name that was deleted; undefined when it is not known now. */
  topicId(topic: string): string | undefined {
    return this.#topics.get(topic)?.id
  }

  /** As the cluster knows them now: of these names those that there are, or all. */
  async describe(topics?: readonly string[]): Promise<readonly TopicMetadata[]> {
    const described = await this.#metadata(topics ?? null)
    return described.topics.filter(({ errorCode, name }) => {
      if (errorCode === unknownTopic) return false
      if (errorCode !== 0) throw asBrokerError(new ProtocolError(errorCode), `The topic ${name} cannot be described`)
      return true
    })
  }

  /** Finds out whether the cluster can be talked to at all. @throws BrokerError that says which setting would mend it */
  async reach(): Promise<void> {
    const { connect } = this.#settings.timeouts
    try {
      await this.persist('No node answers', () => this.#metadata([]), connect)
    } catch (thrown) {
      throw unreachable(thrown, this.#settings)
    }
  }

  /** Forgets who leads what. */
  refresh(): void {
    this.#topics.clear()
    this.#coordinators.clear()
    this.#nodes.clear()
  }

  async call<A extends unknown[], R>(id: number, api: Api<A, R>, ...args: A): Promise<R> {
    if (!this.#nodes.has(id)) await this.#metadata([])
    const node = this.#nodes.get(id)
    if (!node) throw new ProtocolError('BROKER_NOT_AVAILABLE')
    return this.#ask(node, api, args)
  }

  /** Calls the coordinator of a group or of a transactional id. */
  async callCoordinator<A extends unknown[], R>(
    kind: CoordinatorKind,
    key: string,
    api: Api<A, R>,
    ...args: A
  ): Promise<R> {
    return this.call(await this.#coordinator(kind, key), api, ...args)
  }

  /** Calls the node that changes topics, or sends on to the one that does. */
  async callController<A extends unknown[], R>(api: Api<A, R>, ...args: A): Promise<R> {
    const { controller } = await this.#metadata([])
    return this.call(controller, api, ...args)
  }

  /** Calls any node that answers. */
  async callAny<A extends unknown[], R>(api: Api<A, R>, ...args: A): Promise<R> {
    const failures: unknown[] = []
    for (const node of [...this.#nodes.values(), ...this.#bootstrap]) {
      try {
        return await this.#ask(node, api, args)
      } catch (thrown) {
        if (!passes(thrown)) throw thrown
        failures.push(thrown)
      }
    }
    throw failures.at(-1)
  }

  /**
   * Does something until it succeeds, for as long as its failures are such that pass.
   * @param what says what it is, in an error
   * @throws BrokerError when it fails otherwise, or for longer than the timeout: the delivery timeout unless said
   */
  async persist<T>(what: string, work: () => Promise<T>, timeout = this.#settings.timeouts.delivery): Promise<T> {
    const deadline = Date.now() + timeout
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      try {
        return await work()
      } catch (thrown) {
        if (this.closed || !passes(thrown) || Date.now() + pause > deadline) throw asBrokerError(thrown, what)
        const waits = codesOf(thrown).every((code) => unhurried.has(code)) && codesOf(thrown).length > 0
        if (waits) pause = firstPause
        else this.refresh()
        await setTimeout(pause, undefined, { signal: this.#closing.signal }).catch(() => {})
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#connections.close()
  }

  async #ask<A extends unknown[], R>(node: Node, api: Api<A, R>, args: A): Promise<R> {
    // An API needs no more of a connection than that it sends.
    return api.async((await this.#connections.to(node)) as PlatformaticConnection, ...args)
  }

  async #metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const found = await this.callAny(metadata, topics && [...topics])
    // So a broker answers after an OAUTHBEARER token that it refused, which the client takes for accepted.
    if (found.nodes.length === 0) throw new ProtocolError('ILLEGAL_SASL_STATE')
    this.#nodes = new Map(found.nodes.map(({ id, ...node }) => [id, node]))
    for (const topic of found.topics) {
      if (topic.errorCode !== 0) continue
      this.#topics.set(topic.name, topic)
      this.#asked.set(topic.name, Date.now())
    }
    return found
  }

  async #coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const known = this.#coordinators.get(kind + key)
    if (known !== undefined) return known
    const { coordinators } = await this.callAny(findCoordinatorV4.api, coordinatorKinds[kind], [key])
    const node = coordinators[0]!.nodeId
    this.#coordinators.set(kind + key, node)
    return node
  }
}

/** What ends within milliseconds, with nobody else to ask: the markers of the transaction before are being written. */
const unhurried = new Set(['CONCURRENT_TRANSACTIONS', 'UNSTABLE_OFFSET_COMMIT'])

function nodeOf(address: string): Node {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
}
