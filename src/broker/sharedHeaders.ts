import type { Header } from '../record/record.ts'

/** What reads the bytes of a batch from front to back. */
interface HeaderBytes {
  readonly bytes: Buffer
  position: number
  headerName(): string
  headerValue(): Buffer | null
}

/** Where a header of the record before lies, and its sizes in bytes. */
interface Before {
  readonly from: number
  readonly nameSize: number
  readonly size: number
  readonly header: Header
}

/** To compare longer ones costs more than to read them. */
const mostShared = 128

/** Reads the headers of the records of one batch. Those that are byte for byte as in the record before are the same objects. */
export class SharedHeaders {
  readonly #input: HeaderBytes
  readonly #before: Before[] = []

  constructor(input: HeaderBytes) {
    this.#input = input
  }

  next(count: number): Header[] {
    const headers = new Array<Header>(count)
    for (let at = 0; at < count; at++) headers[at] = this.#header(at)
    return headers
  }

  #header(at: number): Header {
    const input = this.#input
    const from = input.position
    const before = this.#before[at]
    const alike = before ? this.#alike(before) : 0
    if (before && alike === before.size) {
      input.position += alike
      return before.header
    }
    let name: string
    if (before && alike >= before.nameSize) {
      input.position += before.nameSize
      name = before.header[0]
    } else name = input.headerName()
    const nameSize = input.position - from
    const header: Header = [name, input.headerValue()]
    this.#before[at] = { from, nameSize, size: input.position - from, header }
    return header
  }

  /** How many bytes come that are those of a header of the record before. */
  #alike({ from, nameSize, size }: Before): number {
    const { bytes, position } = this.#input
    const most = size <= mostShared ? size : nameSize
    let alike = 0
    while (alike < most && bytes[position + alike] === bytes[from + alike]) alike++
    return alike
  }
}
