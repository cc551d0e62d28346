import type { RawRecord } from '../../record/record.ts'
import { varintSize, writeVarint } from '../varint.ts'
import { zigzag } from './varint.ts'

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
    const starts = [0]
    for (let at = 0; at < records.length; at++) starts.push(starts[at]! + sizeOf(records[at]!))
    const bytes = Buffer.allocUnsafeSlow(starts[records.length]!)
    for (let at = 0; at < records.length; at++) write(bytes, starts[at]!, records[at]!)
    const timestamps = records.map(({ timestamp }) => timestamp)
    return new PackedRecords(bytes, starts, timestamps, places)
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

  /** The value of a record without headers. @param size its bytes */
  valueOf(at: number, size: number): Buffer {
    const end = this.#starts[at + 1]! - 1
    return this.#bytes.subarray(end - size, end)
  }

  /** Writes key, value and headers. @returns the place after them */
  copy(at: number, to: Buffer, position: number): number {
    const start = this.#starts[at]!
    const end = this.#starts[at + 1]!
    this.#bytes.copy(to, position, start, end)
    return position + end - start
  }
}

function sizeOf({ key, value, headers }: Packable): number {
  let size = contentSize(key) + contentSize(value) + varintSize(zigzag(headers.length))
  for (const [name, content] of headers) size += contentSize(name) + contentSize(content)
  return size
}

function contentSize(content: Uint8Array | string | null): number {
  if (content === null) return 1
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.length
  return varintSize(zigzag(size)) + size
}

function write(to: Buffer, start: number, { key, value, headers }: Packable): void {
  let position = writeContent(to, start, key)
  position = writeContent(to, position, value)
  position = writeVarint(to, position, zigzag(headers.length))
  for (const [name, content] of headers) {
    position = writeContent(to, position, name)
    position = writeContent(to, position, content)
  }
}

function writeContent(to: Buffer, start: number, content: Uint8Array | string | null): number {
  if (content === null) return writeVarint(to, start, zigzag(-1))
  if (typeof content === 'string') {
    const position = writeVarint(to, start, zigzag(Buffer.byteLength(content)))
    return position + to.write(content, position)
  }
  const position = writeVarint(to, start, zigzag(content.length))
  to.set(content, position)
  return position + content.length
}
