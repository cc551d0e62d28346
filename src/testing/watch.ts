import type { Broker } from '../broker/broker.ts'
import type { Plan } from '../topology/plan.ts'
import { capturedInTopic, capturedLetter, type Captured } from './captured.ts'
import type { Outlet } from './outlet.ts'

const maxRecords = 10_000

/** Takes down what comes out of a topology, and when. */
export class Watch {
  readonly #outlets: readonly Outlet[]
  readonly #plan: Plan
  readonly #broker: Broker
  readonly #positions = new Map<string, bigint>()
  readonly captured: ReadonlyMap<string, Captured[]>
  readonly ends = new Map<string, number>()

  constructor(outlets: readonly Outlet[], plan: Plan, broker: Broker) {
    this.#outlets = outlets
    this.#plan = plan
    this.#broker = broker
    this.captured = new Map(outlets.map(({ name }) => [name, []]))
  }

  /** Something was written to an external sink. */
  add(outlet: string, captured: Captured): void {
    this.captured.get(outlet)?.push(captured)
  }

  /** Reads what is new in the topics. */
  async look(frame: number): Promise<void> {
    for (const outlet of this.#outlets) {
      if (outlet.kind !== 'topic' && outlet.kind !== 'deadLetters') continue
      const offset = this.#positions.get(outlet.name) ?? 0n
      const { records, next } = await this.#broker.read({ topic: outlet.name, partition: 0, offset }, maxRecords)
      this.#positions.set(outlet.name, next)
      for (const record of records) {
        const captured =
          outlet.kind === 'topic'
            ? capturedInTopic(record, frame, outlet.format)
            : capturedLetter(record, frame, (source) => this.#formatOf(source) ?? outlet.format)
        this.add(outlet.name, captured)
      }
    }
  }

  /** Outlets are done when all their sources are. */
  close(frame: number, isDone: (source: string) => boolean): void {
    for (const { name, sources } of this.#outlets) {
      if (!this.ends.has(name) && [...sources].every(isDone)) this.ends.set(name, frame)
    }
  }

  #formatOf(source: string) {
    return this.#plan.subtopologies.flatMap(({ sources }) => sources).find(({ name }) => name === source)?.format
  }
}
