import { largeVarlong } from './varint.ts'

/** Reads what Kafka's record batches are made of, from front to back. */
export class Cursor {
  readonly bytes: Buffer
  position: number

  constructor(bytes: Buffer, position: number) {
    this.bytes = bytes
    this.position = position
  }

  /** Zigzag-encoded, at most 32 bits. */
  varint(): number {
    const bytes = this.bytes
    let byte = bytes[this.position++]!
    let value = byte & 0x7f
    for (let shift = 7; byte & 0x80; shift += 7) {
      byte = bytes[this.position++]!
      value |= (byte & 0x7f) << shift
    }
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zigzag-encoded. */
  varlong(): number {
    const start = this.position
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.position++]!
      value += (byte & 0x7f) * factor
      if (!(byte & 0x80)) break
    }
    if (value > Number.MAX_SAFE_INTEGER) return largeVarlong(this.bytes.subarray(start, this.position))
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Where the content ends that begins after its length; -1 for null. */
  contentEnd(): number {
    const length = this.varint()
    return length < 0 ? -1 : this.position + length
  }

  content(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.position
    return this.bytes.subarray(start, (this.position = start + length))
  }

  headerName(): string {
    return this.content()?.toString() ?? ''
  }

  headerValue(): Buffer | null {
    return this.content()
  }
}
