import { BrokerError } from '../broker.ts'

/** Reads bytes from front to back and never past their end. */
export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw endsEarly()
    return byte
  }

  varint(): number {
    let byte = this.byte()
    if (byte < 128) return byte
    let value = byte - 128
    for (let scale = 128; ; scale *= 128) {
      byte = this.byte()
      if (byte < 128) return value + byte * scale
      value += (byte - 128) * scale
    }
  }

  skip(length: number): void {
    this.#at += length
    if (this.#at > this.#bytes.length) throw endsEarly()
  }

  /** A view of the next bytes, not a copy. */
  slice(length: number): Buffer {
    const from = this.#at
    this.skip(length)
    return this.#bytes.subarray(from, this.#at)
  }

  text(length: number): string {
    const from = this.#at
    this.skip(length)
    return this.#bytes.toString('utf8', from, this.#at)
  }
}

const endsEarly = (): BrokerError =>
  new BrokerError('A stored batch of records ends too early: the database file is damaged. Restore it from a copy.')
