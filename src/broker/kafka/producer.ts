import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import {
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  endTxnV3,
  initProducerIdV4,
  offsetCommitV8,
  txnOffsetCommitV3,
} from '@platformatic/kafka'
import { OutputsRefused } from '../broker.ts'
import { Abandoned, asBrokerError, codesOf, Fenced, Uncertain } from './failure.ts'
import type { Network } from './network.ts'
import { BatchWriter, type Identity } from './batchWriter.ts'
import type { PartitionRecords } from './chunks.ts'
import { asTopics } from './offsets.ts'
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

/**
 * An idempotent or transactional producer over the protocol itself: every batch has its number, a batch that failed
 * without an answer is sent again with the same one, and after any failure that leaves a doubt the producer gets a new
 * identity before it is used again. To be used by one caller at a time.
 */
export class Producer {
  readonly #network: Network
  readonly #settings: KafkaSettings
  readonly #transactionalId: string | null
  readonly #writer: BatchWriter
  #identity: Identity | undefined

  /** @param transactional whether it writes in transactions; by an id of its own, and fenced by the group's generation (KIP-447) */
  constructor(network: Network, settings: KafkaSettings, transactional: boolean) {
    this.#network = network
    this.#settings = settings
    this.#transactionalId = transactional ? `${settings.clientId}-${randomUUID()}` : null
    this.#writer = new BatchWriter(network, settings, this.#transactionalId)
  }

  /**
   * Writes records and offsets in one transaction.
   * @throws Abandoned when nothing of it was written, Uncertain when nobody knows, OutputsRefused for records that never will be
   */
  async transact(parts: readonly PartitionRecords[], groups: readonly GroupOffsets[]): Promise<void> {
    if (parts.length === 0 && groups.length === 0) return
    await this.#orReset('The transaction', async () => {
      const identity = await this.#identify()
      const added = parts.length > 0 ? this.#addPartitions(identity, parts) : Promise.resolve()
      // Batches are made when the requests are out: it takes about as long as the answers.
      const written = setImmediate().then(() => this.#writer.write(identity, parts, added))
      await allOf([added, this.#addOffsets(identity, groups), written])
      await this.#end(identity)
    })
  }

  /**
   * Writes records and waits until all replicas have them.
   * @throws Abandoned when some may not have been written, OutputsRefused for those that never will be; nothing behind them is there
   */
  async send(parts: readonly PartitionRecords[]): Promise<void> {
    await this.#orReset('Writing', async () => this.#writer.write(await this.#identify(), parts))
  }

  /** The offset after the last record that was written to a partition; undefined when the broker did not tell. */
  endOf(topic: string, partition: number): number | undefined {
    return this.#writer.endOf(topic, partition)
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
      if (thrown instanceof Abandoned || thrown instanceof OutputsRefused) throw thrown
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
    this.#writer.startAnew()
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
}

const fences = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', 'REBALANCE_IN_PROGRESS'])

/** Waits for all, even when one fails: what is still under way belongs to the transaction that is given up. */
async function allOf(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
