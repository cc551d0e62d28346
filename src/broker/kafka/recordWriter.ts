import { varintSize, writeVarint } from '../varint.ts'
import { zigzag } from './varint.ts'

/** Bytes of the memory that is written to at first, and what is kept of it for the next records. */
const [fewBytes, manyBytes] = [65_536, 4_194_304]
/** A length takes so many bytes at most, and a UTF-16 unit of text as many as this. */
const [lengthBytes, unitBytes] = [5, 3]

/** Writes what records consist of, each content after its length, as Kafka's record batches have them. */
export class RecordWriter {
  #bytes = Buffer.allocUnsafeSlow(fewBytes)
  #length = 0

  /** Bytes that were written. */
  get length(): number {
    return this.#length
  }

  /** Records are written anew: what is left of some that could not be written is gone. @returns where they begin */
  begin(): number {
    this.#length = 0
    return 0
  }

  /** A copy of what was written since it began. */
  take(): Buffer {
    const taken = Buffer.allocUnsafeSlow(this.#length)
    this.#bytes.copy(taken, 0, 0, this.#length)
    if (this.#bytes.length > manyBytes) this.#bytes = Buffer.allocUnsafeSlow(fewBytes)
    return taken
  }

  count(count: number): void {
    this.#make(lengthBytes)
    this.#length = writeVarint(this.#bytes, this.#length, zigzag(count))
  }

  content(content: Uint8Array | string | null): void {
    if (content === null) return this.count(-1)
    if (typeof content === 'string') return this.text(none, content)
    this.count(content.length)
    this.#make(content.length)
    this.#bytes.set(content, this.#length)
    this.#length += content.length
  }

  /** One content: bytes, and a text behind them. */
  text(beginning: Uint8Array, text: string): void {
    this.#make(lengthBytes + beginning.length + unitBytes * text.length)
    const start = this.#length
    // Mostly each character is one byte: where the length takes more than that, what is behind it moves.
    const head = varintSize(zigzag(beginning.length + text.length))
    const content = start + head
    this.#bytes.set(beginning, content)
    const size = beginning.length + this.#bytes.write(text, content + beginning.length)
    const moved = start + varintSize(zigzag(size))
    if (moved !== content) this.#bytes.copyWithin(moved, content, content + size)
    writeVarint(this.#bytes, start, zigzag(size))
    this.#length = moved + size
  }

  /** Makes room for so many bytes. */
  #make(room: number): void {
    if (this.#length + room <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#length + room, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

const none = new Uint8Array()
