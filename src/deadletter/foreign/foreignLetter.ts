import type { Convention } from '../../component/convention.ts'
import type { Header, RawRecord, StoredRecord } from '../../record/record.ts'

/** What can be told of a dead letter that somebody else wrote; what it does not say, or not in a way that can be read, is undefined. */
export interface ForeignLetter {
  readonly convention: Convention
  /** The connector, consumer group or application that gave the record up. */
  readonly pipeline?: string | undefined
  /** Where in it the record failed. */
  readonly operator?: string | undefined
  readonly fault: {
    /** The class of the exception, or what stands for it. */
    readonly code?: string | undefined
    readonly message?: string | undefined
    readonly stack?: string | undefined
  }
  readonly attempts?: number | undefined
  readonly origin: {
    readonly topic?: string | undefined
    readonly partition?: number | undefined
    readonly offset?: bigint | undefined
    /** Milliseconds since the epoch. */
    readonly timestamp?: number | undefined
  }
  /** Milliseconds since the epoch. */
  readonly failedAt?: number | undefined
  /** The source record, without what was added to it. */
  readonly record: RawRecord
  /** Whether nothing of the source record was copied. */
  readonly isWithoutRecord?: true
}

/** Reads the letters of one convention; undefined where the record is none. */
export type ForeignReader = (stored: StoredRecord) => ForeignLetter | undefined

/** The headers of a record by which a convention says its facts. */
export class FactHeaders {
  readonly #headers: readonly Header[]
  readonly #prefixes: readonly string[]

  /** @param prefixes of the names of its headers; where several say the same, the first of these counts */
  constructor(headers: readonly Header[], prefixes: readonly string[]) {
    this.#headers = headers
    this.#prefixes = prefixes
  }

  get areThere(): boolean {
    return this.#headers.some(([name]) => this.#isFact(name))
  }

  /** The record's own headers. */
  get others(): readonly Header[] {
    return this.#headers.filter(([name]) => !this.#isFact(name))
  }

  bytes(name: string, which: 'first' | 'last' = 'last'): Buffer | undefined {
    for (const prefix of this.#prefixes) {
      const isIt = ([other]: Header) => other === prefix + name
      const found = which === 'first' ? this.#headers.find(isIt) : this.#headers.findLast(isIt)
      if (found?.[1]) return found[1]
    }
    return undefined
  }

  text(name: string, which?: 'first' | 'last'): string | undefined {
    return this.bytes(name, which)?.toString()
  }

  /** A whole number, written in digits. */
  number(name: string): number | undefined {
    return wholeNumber(this.text(name))
  }

  offset(name: string): bigint | undefined {
    const text = this.text(name)
    return text !== undefined && /^\d{1,19}$/.test(text) ? BigInt(text) : undefined
  }

  #isFact(name: string): boolean {
    return this.#prefixes.some((prefix) => name.startsWith(prefix))
  }
}

export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
