import type { MeterReading } from '../../topology/meter.ts'

/** What passed a node: since the pipeline started, and lately. */
export interface NodeRate {
  readonly received: number
  readonly emitted: number
  readonly dropped: number
  readonly dead: number
  /** Records a second that came in, since the look before. */
  readonly rate: number
}

interface Reading {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly received: ReadonlyMap<string, number>
}

/** Over a shorter time a rate says little. */
const shortest = 2_000

/** Rates of the nodes of a pipeline, by what its meter read before. */
export class Rates {
  /** That of `before` is at least as old as a rate needs. */
  #before: Reading | undefined
  #last: Reading | undefined

  /** @param now milliseconds since 1970 */
  of({ nodes }: MeterReading, now: number): ReadonlyMap<string, NodeRate> {
    const reading = { at: now, received: new Map(Array.from(nodes, ([id, { received }]) => [id, received])) }
    if (this.#last === undefined || now - this.#last.at >= shortest) {
      this.#before = this.#last
      this.#last = reading
    }
    const before = this.#before ?? this.#last
    const seconds = (now - before.at) / 1_000
    return new Map(
      Array.from(nodes, ([id, { received, emitted, dropped, dead }]) => {
        const more = received - (before.received.get(id) ?? 0)
        const rate = seconds > 0 && more > 0 ? more / seconds : 0
        return [id, { received, emitted, dropped: sum(dropped), dead: sum(dead), rate }]
      }),
    )
  }
}

const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((all, count) => all + count, 0)
