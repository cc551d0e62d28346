import type { Lineage } from './lineage.ts'

/** With more than this, a task takes no more until some are done: what bounds its memory. */
const maxRecords = 10_000
const maxBytes = 33_554_432

/** The source records of a task that were read and have no final outcome yet. */
export class UnderWay {
  readonly #open = new Set<Lineage>()
  #closed: Lineage[] = []
  #bytes = 0

  get size(): number {
    return this.#open.size
  }

  /** Whether there are as many as a task may have. */
  get full(): boolean {
    return this.#open.size >= maxRecords || this.#bytes >= maxBytes
  }

  [Symbol.iterator](): Iterator<Lineage> {
    return this.#open.values()
  }

  add(lineage: Lineage): void {
    if (this.#open.has(lineage)) return
    this.#open.add(lineage)
    this.#bytes += bytesOf(lineage)
  }

  /** It has its final outcome. @returns whether it was under way */
  end(lineage: Lineage): boolean {
    if (lineage.kept) this.#closed.push(lineage)
    if (!this.#open.delete(lineage)) return false
    this.#bytes -= bytesOf(lineage)
    return true
  }

  /** Those that ended since the last take and that the broker still keeps. */
  takeClosed(): readonly Lineage[] {
    const closed = this.#closed
    this.#closed = []
    return closed
  }
}

const bytesOf = ({ raw: { key, value } }: Lineage): number => (key?.length ?? 0) + (value?.length ?? 0)
