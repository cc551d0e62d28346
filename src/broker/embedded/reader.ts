import { BrokerError } from '../broker.ts'

/** Reads bytes from front to back and never past their end. */
export class Reader {
  readonly bytes: Buffer
  position = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  byte(): number {
    const byte = this.bytes[this.position++]
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
    this.position += length
    if (this.position > this.bytes.length) throw endsEarly()
  }

  /** A view of the next bytes, not a copy. */
  slice(length: number): Buffer {
    const from = this.position
    this.skip(length)
    return this.bytes.subarray(from, this.position)
  }

  headerName(): string {
    const length = this.varint()
    const from = this.position
    this.skip(length)
    return this.bytes.toString('utf8', from, this.position)
  }

  headerValue(): Buffer | null {
    const size = this.varint()
    return size === 0 ? null : this.slice(size - 1)
  }
}

const endsEarly = (): BrokerError =>
  new BrokerError('A stored batch of records ends too early: the database file is damaged. Restore it from a copy.')
