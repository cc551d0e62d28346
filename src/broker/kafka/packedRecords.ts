import type { RawRecord } from '../../record/record.ts'
import type { StateChange } from '../broker.ts'
import { RecordWriter } from './recordWriter.ts'

/** A record whose key may be text. */
export type Packable = Omit<RawRecord, 'key'> & { readonly key: Buffer | string | null }

/**
 * Records as a batch has them, but for what depends on their places in it: key, value and headers, one record's after
 * another's in one piece of memory. As objects, all of them would be moved about by the garbage collector until they are committed.
 */
export class PackedRecords {
  readonly #bytes: Buffer
  /** Where each begins, and where the last one ends. */
  readonly #starts: readonly number[]
  readonly #timestamps: readonly number[]
  readonly #places: readonly number[] | undefined

  private constructor(
    bytes: Buffer,
    starts: readonly number[],
    timestamps: readonly number[],
    places: readonly number[] | undefined,
  ) {
    this.#bytes = bytes
    this.#starts = starts
    this.#timestamps = timestamps
    this.#places = places
  }

  /** @param places what each is known by, such as its place among the outputs of a unit; nothing when absent */
  static of(records: readonly Packable[], places?: readonly number[]): PackedRecords {
    const starts = [writer.begin()]
    for (const { key, value, headers } of records) {
      writer.content(key)
      writer.content(value)
      writer.count(headers.length)
      for (const [name, content] of headers) {
        writer.content(name)
        writer.content(content)
      }
      starts.push(writer.length)
    }
    const timestamps = records.map(({ timestamp }) => timestamp)
    return new PackedRecords(writer.take(), starts, timestamps, places)
  }

  /** Records of one time without headers, of changes of state. @param beginningOf what the key begins with, before the change's own */
  static ofChanges(
    changes: readonly StateChange[],
    beginningOf: (store: string) => Uint8Array,
    timestamp: number,
  ): PackedRecords {
    const starts = [writer.begin()]
    for (const { store, key, value } of changes) {
      writer.text(beginningOf(store), key)
      writer.content(value)
      writer.count(0)
      starts.push(writer.length)
    }
    return new PackedRecords(writer.take(), starts, Array<number>(changes.length).fill(timestamp), undefined)
  }

  /** All of them, in their order. Those of several units may be known by the same. */
  static together(parts: readonly PackedRecords[]): PackedRecords {
    const [only] = parts
    if (only && parts.length === 1) return only
    const starts = [0]
    for (const part of parts) for (let at = 0; at < part.length; at++) starts.push(starts.at(-1)! + part.sizeOf(at))
    const bytes = Buffer.concat(parts.map((part) => part.#bytes.subarray(part.#starts[0], part.#starts[part.length])))
    const timestamps = parts.flatMap((part) => part.#timestamps)
    return new PackedRecords(
      bytes,
      starts,
      timestamps,
      parts.every((part) => part.#places) ? parts.flatMap((part) => part.#places!) : undefined,
    )
  }

  get length(): number {
    return this.#timestamps.length
  }

  /** Some of them, in the same memory. */
  slice(from: number, to: number): PackedRecords {
    return new PackedRecords(
      this.#bytes,
      this.#starts.slice(from, to + 1),
      this.#timestamps.slice(from, to),
      this.#places?.slice(from, to),
    )
  }

  /** Some of them, wherever they are. */
  only(own: readonly number[]): PackedRecords {
    return PackedRecords.together(own.map((at) => this.slice(at, at + 1)))
  }

  timestampAt(at: number): number {
    return this.#timestamps[at]!
  }

  /** What it is known by. */
  placeAt(at: number): number | undefined {
    return this.#places?.[at]
  }

  /** Bytes of key, value and headers, their lengths included. */
  sizeOf(at: number): number {
    return this.#starts[at + 1]! - this.#starts[at]!
  }

  /** What the records lie in. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where the value of a record without headers ends. */
  valueEndOf(at: number): number {
    return this.#starts[at + 1]! - 1
  }

  /** Writes key, value and headers. @returns the place after them */
  copy(at: number, to: Buffer, position: number): number {
    const start = this.#starts[at]!
    const end = this.#starts[at + 1]!
    this.#bytes.copy(to, position, start, end)
    return position + end - start
  }
}

/** All records of this thread are packed with it, one lot after another. */
const writer = new RecordWriter()
