import { randomUUID } from 'node:crypto'
import {
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  endTxnV3,
  initProducerIdV4,
  offsetCommitV8,
  ProtocolError,
  txnOffsetCommitV3,
} from '@platformatic/kafka'
import type { TopicPartition } from '../broker.ts'
import { Abandoned, asBrokerError, codesOf, Fenced, passes, Uncertain } from './failure.ts'
import type { Network } from './network.ts'
import { asTopics } from './offsets.ts'
import { produce, type ProducedBatch } from './protocol.ts'
import { chunksOf, halvesOf, type PartitionRecords } from './chunks.ts'
import { encodeBatch } from './recordBatch.ts'
import type { KafkaSettings } from './settings.ts'

/** Offsets that a member of a group commits. */
export interface GroupOffsets {
  readonly group: string
  readonly generation: number
  readonly member: string
  readonly offsets: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: bigint
    readonly metadata?: string
  }[]
}

interface Identity {
  readonly producerId: bigint
  readonly epoch: number
}

const duplicate = 46
const messageTooLarge = 10

/**
 * An idempotent or transactional producer over the protocol itself: every batch has its number, a batch that failed
 * without an answer is sent again with the same one, and after any failure that leaves a doubt the producer gets a new
 * identity before it is used again. To be used by one caller at a time.
 */
export class Producer {
  readonly #network: Network
  readonly #settings: KafkaSettings
  readonly #transactionalId: string | null
  #identity: Identity | undefined
  #sequences = new Map<string, number>()
  /** By partition, the offset after what was written last. */
  readonly #ends = new Map<string, number>()

  /** @param transactional whether it writes in transactions; by an id of its own, and fenced by the group's generation (KIP-447) */
  constructor(network: Network, settings: KafkaSettings, transactional: boolean) {
    this.#network = network
    this.#settings = settings
    this.#transactionalId = transactional ? `${settings.clientId}-${randomUUID()}` : null
  }

  /** Writes records and offsets in one transaction. @throws Abandoned when nothing of it was written, Uncertain when nobody knows */
  async transact(parts: readonly PartitionRecords[], groups: readonly GroupOffsets[]): Promise<void> {
    if (parts.length === 0 && groups.length === 0) return
    await this.#orReset('The transaction', async () => {
      const identity = await this.#identify()
      if (parts.length > 0) await this.#addPartitions(identity, parts)
      await allOf([this.#produce(identity, parts), this.#addOffsets(identity, groups)])
      await this.#end(identity)
    })
  }

  /** Writes records and waits until all replicas have them. @throws Abandoned when some may not have been written */
  async send(parts: readonly PartitionRecords[]): Promise<void> {
    await this.#orReset('Writing', async () => this.#produce(await this.#identify(), parts))
  }

  /** The offset after the last record that was written to a partition; undefined when the broker did not tell. */
  endOf(topic: string, partition: number): number | undefined {
    return this.#ends.get(`${topic}/${partition}`)
  }

  /** Ends what a failed call may have left open. */
  async settle(): Promise<void> {
    await this.#identify()
  }

  /** Commits offsets outside of a transaction. */
  async commitOffsets({ group, generation, member, offsets }: GroupOffsets): Promise<void> {
    await this.#fenced(`Committing offsets of ${group}`, () =>
      this.#network.callCoordinator(
        'group',
        group,
        offsetCommitV8.api,
        group,
        generation,
        member,
        null,
        asTopics(offsets),
      ),
    )
  }

  async #orReset(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      this.#identity = undefined
      if (thrown instanceof Abandoned) throw thrown
      const { message } = asBrokerError(thrown, `${what} failed`)
      throw new Abandoned(message, { cause: thrown })
    }
  }

  /** A new identity ends what an earlier one of the same transactional id left open. */
  async #identify(): Promise<Identity> {
    if (this.#identity) return this.#identity
    const id = this.#transactionalId
    const { transaction } = this.#settings.timeouts
    const answer = await this.#network.persist('The producer got no identity', () =>
      id === null
        ? this.#network.callAny(initProducerIdV4.api, null, transaction, -1n, -1)
        : this.#network.callCoordinator('transaction', id, initProducerIdV4.api, id, transaction, -1n, -1),
    )
    this.#sequences = new Map()
    return (this.#identity = { producerId: answer.producerId, epoch: answer.producerEpoch })
  }

  async #addPartitions({ producerId, epoch }: Identity, parts: readonly PartitionRecords[]): Promise<void> {
    const topics = [...Map.groupBy(parts, ({ topic }) => topic)].map(([name, own]) => ({
      name,
      partitions: own.map(({ partition }) => partition),
    }))
    const id = this.#transactionalId!
    const transaction = { transactionalId: id, producerId, producerEpoch: epoch, verifyOnly: false, topics }
    await this.#fenced('Adding partitions to the transaction', () =>
      this.#network.callCoordinator('transaction', id, addPartitionsToTxnV3.api, [transaction]),
    )
  }

  async #addOffsets({ producerId, epoch }: Identity, groups: readonly GroupOffsets[]): Promise<void> {
    const id = this.#transactionalId!
    for (const { group, generation, member, offsets } of groups) {
      await this.#fenced(`Adding offsets of ${group} to the transaction`, () =>
        this.#network.callCoordinator('transaction', id, addOffsetsToTxnV3.api, id, producerId, epoch, group),
      )
      await this.#fenced(`Writing offsets of ${group} in the transaction`, () =>
        this.#network.callCoordinator(
          'group',
          group,
          txnOffsetCommitV3.api,
          id,
          group,
          producerId,
          epoch,
          generation,
          member,
          null,
          asTopics(offsets),
        ),
      )
    }
  }

  /** Asked again after a lost answer, the coordinator says the same: it is committed, or it never will be. */
  async #end({ producerId, epoch }: Identity): Promise<void> {
    const id = this.#transactionalId!
    const what = 'Ending the transaction'
    try {
      await this.#network.persist(what, () =>
        this.#network.callCoordinator('transaction', id, endTxnV3.api, id, producerId, epoch, true),
      )
    } catch (thrown) {
      throw new Uncertain(asBrokerError(thrown, what).message, { cause: thrown })
    }
  }

  async #fenced<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#network.persist(what, work)
    } catch (thrown) {
      if (codesOf((thrown as Error).cause).some((code) => fences.has(code))) {
        throw new Fenced(`${what}: another member has taken over the partitions.`, { cause: thrown })
      }
      throw thrown
    }
  }

  /** One batch a partition at a time, those of all partitions side by side. */
  async #produce(identity: Identity, parts: readonly PartitionRecords[]): Promise<void> {
    const queues = parts.map(chunksOf)
    while (queues.some((queue) => queue.length > 0)) {
      const turn = queues.filter((queue) => queue.length > 0).map((queue) => ({ queue, chunk: queue.shift()! }))
      const tooLarge = await this.#deliver(
        turn.map(({ chunk }) => ({ ...chunk, count: chunk.records.length, bytes: this.#encode(identity, chunk) })),
      )
      for (const { queue, chunk } of turn) {
        const { topic, partition, records } = chunk
        if (tooLarge.some((batch) => isFor(batch, chunk))) {
          queue.unshift(...halvesOf(chunk))
          continue
        }
        const name = `${topic}/${partition}`
        this.#sequences.set(name, ((this.#sequences.get(name) ?? 0) + records.length) % 2_147_483_648)
      }
    }
  }

  #encode({ producerId, epoch }: Identity, { topic, partition, records }: PartitionRecords): Buffer {
    const sequence = this.#sequences.get(`${topic}/${partition}`) ?? 0
    const transactional = this.#transactionalId !== null
    return encodeBatch(records, { producerId, epoch, sequence, transactional }, this.#settings.compression)
  }

  /** Sends batches until all replicas have all of them. @returns those that are larger than their topic takes at once */
  async #deliver(batches: readonly ProducedBatch[]): Promise<readonly ProducedBatch[]> {
    let left = batches
    const tooLarge: ProducedBatch[] = []
    await this.#network.persist('Writing', async () => {
      const failures: unknown[] = []
      const answers = await Promise.allSettled([...(await this.#byLeader(left))].map((each) => this.#sendTo(each)))
      left = answers.flatMap((answer) => {
        if (answer.status === 'rejected') throw answer.reason
        failures.push(...answer.value.failures)
        tooLarge.push(...answer.value.tooLarge)
        return answer.value.left
      })
      const lasting = failures.find((failure) => !passes(failure))
      if (lasting ?? failures[0]) throw lasting ?? failures[0]
    })
    return tooLarge
  }

  /** One node's share. @returns what it did not write, and why */
  async #sendTo([node, batches]: readonly [number, ProducedBatch[]]): Promise<{
    left: ProducedBatch[]
    tooLarge: ProducedBatch[]
    failures: unknown[]
  }> {
    try {
      const { request } = this.#settings.timeouts
      const answers = await this.#network.call(node, produce, this.#transactionalId, request, batches)
      for (const { topic, partition, baseOffset } of answers) {
        const count = batches.find((batch) => batch.topic === topic && batch.partition === partition)?.count ?? 0
        if (baseOffset >= 0) this.#ends.set(`${topic}/${partition}`, baseOffset + count)
        else this.#ends.delete(`${topic}/${partition}`)
      }
      const tooLarge = batches.filter(
        (batch) => batch.count > 1 && answers.some((each) => each.errorCode === messageTooLarge && isFor(batch, each)),
      )
      const failed = answers.filter(
        (answer) =>
          answer.errorCode !== 0 && answer.errorCode !== duplicate && !tooLarge.some((batch) => isFor(batch, answer)),
      )
      const left = batches.filter((batch) => failed.some((answer) => isFor(batch, answer)))
      const failures = failed.map(({ topic, partition, errorCode, message }) => {
        const error = new ProtocolError(errorCode, message)
        return asBrokerError(error, `${topic}, partition ${partition}`)
      })
      return { left, tooLarge, failures }
    } catch (thrown) {
      return { left: batches, tooLarge: [], failures: [thrown] }
    }
  }

  async #byLeader(batches: readonly ProducedBatch[]): Promise<Map<number, ProducedBatch[]>> {
    const byNode = new Map<number, ProducedBatch[]>()
    for (const batch of batches) {
      const leader = (await this.#network.leaders(batch.topic))?.[batch.partition]
      if (leader === undefined || leader < 0) throw new ProtocolError('LEADER_NOT_AVAILABLE')
      const own = byNode.get(leader)
      if (own) own.push(batch)
      else byNode.set(leader, [batch])
    }
    return byNode
  }
}

const isFor = (batch: ProducedBatch, { topic, partition }: TopicPartition): boolean =>
  batch.topic === topic && batch.partition === partition

const fences = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', 'REBALANCE_IN_PROGRESS'])

/** Waits for all, even when one fails: what is still under way belongs to the transaction that is given up. */
async function allOf(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
