import type { StateChange } from '../broker.ts'
import { addChange, ChangeNames } from './changeRecord.ts'
import { keyOrder } from './keyOrder.ts'
import type { FetchedBatch } from './reader.ts'

/** What a record takes beside its key and its value. */
const overhead = 40
/** Given at once, in records. */
const atOnce = 2_000

/**
 * Records of a changelog that wait to be written in the order of their keys. They stay the bytes that came: objects for each
 * would keep the garbage collector busy.
 */
export class Unsorted {
  /** What each record lies in, and where its key and its value do; -1 for the end of a value that is null. */
  #bytes: Buffer[] = []
  #starts = new Int32Array(0)
  #ends = new Int32Array(0)
  #values = new Int32Array(0)
  #valueEnds = new Int32Array(0)
  #size = 0
  readonly #mostBytes: number

  /** @param mostBytes after which it is full */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Whether it is time to take them. */
  get isFull(): boolean {
    return this.#size >= this.#mostBytes
  }

  /** @returns how many records there were in the batch */
  add(batch: FetchedBatch): number {
    const before = this.#bytes.length
    this.#makeRoom(before + batch.count)
    batch.locate((bytes, key, keyEnd, value, valueEnd) => {
      const at = this.#bytes.push(bytes) - 1
      this.#starts[at] = key
      this.#ends[at] = keyEnd
      this.#values[at] = value
      this.#valueEnds[at] = valueEnd
      this.#size += overhead + keyEnd - key + Math.max(0, valueEnd - value)
    })
    return this.#bytes.length - before
  }

  /** Of each key the last, by task, in the order of the keys and in parts; none of them waits any more. */
  *take(): Generator<ReadonlyMap<string, readonly StateChange[]>> {
    const [bytes, starts, ends, values, valueEnds] = [
      this.#bytes,
      this.#starts,
      this.#ends,
      this.#values,
      this.#valueEnds,
    ]
    const order = keyOrder({ bytes, starts, ends }, bytes.length)
    const names = new ChangeNames()
    for (let from = 0; from < order.length; from += atOnce) {
      const changes = new Map<string, StateChange[]>()
      for (let at = from; at < Math.min(order.length, from + atOnce); at++) {
        const number = order[at]!
        if (at + 1 < order.length && this.#isSameKey(number, order[at + 1]!)) continue
        const own = bytes[number]!
        const value = valueEnds[number]! < 0 ? null : own.subarray(values[number], valueEnds[number])
        addChange(changes, names, own, starts[number]!, ends[number]!, value)
      }
      yield changes
    }
    this.#bytes = []
    this.#size = 0
  }

  #isSameKey(one: number, other: number): boolean {
    const [a, b] = [this.#bytes[one]!, this.#bytes[other]!]
    let [endA, endB] = [this.#ends[one]!, this.#ends[other]!]
    const size = endA - this.#starts[one]!
    if (endB - this.#starts[other]! !== size) return false
    // Those that are neighbours differ at their ends, mostly.
    for (let left = size; left > 0; left--) if (a[--endA] !== b[--endB]) return false
    return true
  }

  #makeRoom(count: number): void {
    if (count <= this.#starts.length) return
    const grown = (places: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const larger = new Int32Array(2 * count)
      larger.set(places)
      return larger
    }
    this.#starts = grown(this.#starts)
    this.#ends = grown(this.#ends)
    this.#values = grown(this.#values)
    this.#valueEnds = grown(this.#valueEnds)
  }
}
