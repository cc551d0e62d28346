import { ProtocolError } from '@platformatic/kafka'
import type { TopicPartition } from '../broker.ts'
import { chunksOf, type PartitionRecords } from './chunks.ts'
import { asBrokerError, passes } from './failure.ts'
import type { Network } from './network.ts'
import { produce, type ProducedBatch, type ProducedPartition } from './protocol.ts'
import { encodeBatch } from './recordBatch.ts'
import { isRefusal, Refusal } from './refusal.ts'
import type { KafkaSettings } from './settings.ts'

/** Who a producer is to the cluster. */
export interface Identity {
  readonly producerId: bigint
  readonly epoch: number
}

/** What became of one node's share of batches. */
interface Sent {
  readonly left: readonly ProducedBatch[]
  readonly failures: readonly unknown[]
  readonly refused: readonly ProducedPartition[]
}

const duplicate = 46

/** Writes records in batches that have their numbers: what failed without an answer is sent again with the same one. */
export class BatchWriter {
  readonly #network: Network
  readonly #settings: KafkaSettings
  readonly #transactionalId: string | null
  #sequences = new Map<string, number>()
  /** By partition, the offset after what was written last. */
  readonly #ends = new Map<string, number>()

  constructor(network: Network, settings: KafkaSettings, transactionalId: string | null) {
    this.#network = network
    this.#settings = settings
    this.#transactionalId = transactionalId
  }

  /** The offset after the last record that was written to a partition; undefined when the broker did not tell. */
  endOf(topic: string, partition: number): number | undefined {
    return this.#ends.get(`${topic}/${partition}`)
  }

  /** The producer has a new identity. */
  startAnew(): void {
    this.#sequences = new Map()
  }

  /**
   * One batch a partition at a time, those of all partitions side by side, until all replicas have them.
   * @param ready nothing is sent before
   * @throws OutputsRefused for the records that never will be; outside of a transaction, nothing behind them is written
   */
  async write(
    identity: Identity,
    parts: readonly PartitionRecords[],
    ready: Promise<void> = Promise.resolve(),
  ): Promise<void> {
    const refusal = new Refusal()
    const queues = parts.map(chunksOf)
    while (queues.some((queue) => queue.length > 0)) {
      const turn = queues
        .filter((queue) => queue.length > 0)
        .map((queue) => {
          const chunk = queue.shift()!
          return { queue, chunk, batch: this.#encode(identity, chunk) }
        })
      const foreseen = turn.flatMap(({ chunk, batch }) => refusal.foresee(chunk, batch.bytes.length) ?? [])
      await ready
      const sent = turn.filter(({ batch }) => !foreseen.some((answer) => isFor(batch, answer)))
      const refused = [...foreseen, ...(await this.#deliver(sent.map(({ batch }) => batch)))]
      for (const { queue, chunk, batch } of turn) {
        const answer = refused.find((each) => isFor(batch, each))
        if (!answer) this.#advance(batch)
        else queue.unshift(...refusal.sift(chunk, batch.bytes.length, answer))
        // What is not in a transaction stays: nothing may come before a record that will be tried again in another form.
        if (this.#transactionalId === null && refusal.isIn(chunk)) this.#sizeUp(identity, queue.splice(0), refusal)
      }
    }
    refusal.end()
  }

  /** Finds those records that are certain to be too large, without sending any. */
  #sizeUp(identity: Identity, chunks: readonly PartitionRecords[], refusal: Refusal): void {
    for (const { records, ...place } of chunks) {
      for (let at = 0; at < records.length; at++) {
        const alone = { ...place, records: records.slice(at, at + 1) }
        const { length } = this.#encode(identity, alone).bytes
        const answer = refusal.foresee(alone, length)
        if (answer) refusal.sift(alone, length, answer)
      }
    }
  }

  #encode({ producerId, epoch }: Identity, { topic, partition, records }: PartitionRecords): ProducedBatch {
    const sequence = this.#sequences.get(`${topic}/${partition}`) ?? 0
    const transactional = this.#transactionalId !== null
    const bytes = encodeBatch(records, { producerId, epoch, sequence, transactional }, this.#settings.compression)
    return { topic, partition, count: records.length, bytes }
  }

  #advance({ topic, partition, count }: ProducedBatch): void {
    const name = `${topic}/${partition}`
    this.#sequences.set(name, ((this.#sequences.get(name) ?? 0) + count) % 2_147_483_648)
  }

  /** Sends batches until all replicas have all of them. @returns why some are not taken as they are */
  async #deliver(batches: readonly ProducedBatch[]): Promise<readonly ProducedPartition[]> {
    if (batches.length === 0) return []
    let left = batches
    const refused: ProducedPartition[] = []
    await this.#network.persist('Writing', async () => {
      const answers = await Promise.allSettled([...(await this.#byLeader(left))].map((each) => this.#sendTo(each)))
      const failures: unknown[] = []
      left = answers.flatMap((answer) => {
        if (answer.status === 'rejected') throw answer.reason
        failures.push(...answer.value.failures)
        refused.push(...answer.value.refused)
        return answer.value.left
      })
      const lasting = failures.find((failure) => !passes(failure))
      if (lasting ?? failures[0]) throw lasting ?? failures[0]
    })
    return refused
  }

  async #sendTo([node, batches]: readonly [number, ProducedBatch[]]): Promise<Sent> {
    try {
      const { request } = this.#settings.timeouts
      const answers = await this.#network.call(node, produce, this.#transactionalId, request, batches)
      for (const answer of answers) this.#note(answer, batches)
      const refused = answers.filter(isRefusal)
      const failed = answers.filter(
        (answer) => answer.errorCode !== 0 && answer.errorCode !== duplicate && !refused.includes(answer),
      )
      const left = batches.filter((batch) => failed.some((answer) => isFor(batch, answer)))
      return { left, refused, failures: failed.map(failureOf) }
    } catch (thrown) {
      return { left: batches, refused: [], failures: [thrown] }
    }
  }

  #note({ topic, partition, baseOffset }: ProducedPartition, batches: readonly ProducedBatch[]): void {
    const count = batches.find((batch) => isFor(batch, { topic, partition }))?.count ?? 0
    if (baseOffset >= 0) this.#ends.set(`${topic}/${partition}`, baseOffset + count)
    else this.#ends.delete(`${topic}/${partition}`)
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

function failureOf({ topic, partition, errorCode, message, blamed }: ProducedPartition): Error {
  const text = message ?? blamed.find((each) => each.message !== null)?.message ?? null
  return asBrokerError(new ProtocolError(errorCode, text), `${topic}, partition ${partition}`)
}
