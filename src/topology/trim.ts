import type { Broker, Position } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'

/** So many records are deleted at once, or more. */
const atOnce = 5_000n

/** Deletes from internal topics what their pipeline has committed: as in Kafka Streams, nobody else reads them. */
export class Trimmer {
  readonly #broker: Pick<Broker, 'trim'>
  readonly #log: Log
  readonly #trimmed = new Map<string, bigint>()
  #running: Promise<void> | undefined

  constructor({ broker, log }: { readonly broker: Pick<Broker, 'trim'>; readonly log: Log }) {
    this.#broker = broker
    this.#log = log
  }

  /** Everything before the position is committed. */
  committed({ topic, partition, offset }: Position): void {
    const place = `${topic}/${partition}`
    if (this.#running || offset - (this.#trimmed.get(place) ?? 0n) < atOnce) return
    this.#running = this.#trim({ topic, partition, offset }).finally(() => (this.#running = undefined))
    this.#trimmed.set(place, offset)
  }

  /** Resolves when nothing is being deleted. */
  async end(): Promise<void> {
    await this.#running
  }

  async #trim(position: Position): Promise<void> {
    try {
      await this.#broker.trim([position])
    } catch (thrown) {
      const { topic, partition } = position
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      this.#log.warn(
        { topic, partition },
        `${topic}, partition ${partition}, keeps records that are done with, and is tried again later: ${reason}`,
      )
    }
  }
}
