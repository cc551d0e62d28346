import type { StateStore } from '../../component/state.ts'
import { timeText } from '../../component/timeText.ts'
import type { Arrival } from './windows.ts'

/** A record that is kept for others. */
export type Kept = readonly [time: number, value: unknown]

/** Records of a key within a span of time; those that do not fit are in entries of their own, numbered from 1 on. */
type Head = readonly [more: number, records: readonly Kept[]]

export interface BufferOptions {
  /** Milliseconds: records of a key within so long, aligned to 1970, stand together. */
  readonly span: number
  /** Milliseconds that a record is kept for, in the time of its side. */
  readonly retention: number
}

/** So many records in an entry: one more record writes no more than these. */
const most = 16
/** How many entries are forgotten with one record, so that no record waits for all of them. */
const forgottenAtOnce = 10_000
const digits = 8

/** The latest records of one side, by key and time. */
export class SideBuffer {
  readonly #prefix: string
  readonly #options: BufferOptions
  readonly #state: StateStore
  /** Entries are looked through for what is too old when time comes here. */
  #next = -1

  /** @param prefix a letter that no other keys of the state begin with */
  constructor(prefix: string, options: BufferOptions, state: StateStore) {
    this.#prefix = prefix
    this.#options = options
    this.#state = state
  }

  /**
   * Records of a key from one time to another, both included, in order of time, then as they came.
   * @param newest the latest time of the side: what is too old by it is not found
   */
  find(group: string, from: number, to: number, newest: number): readonly Kept[] {
    const { span, retention } = this.#options
    const earliest = Math.max(from, newest - retention + 1, 0)
    const found: Kept[] = []
    for (let start = startOf(earliest, span); start <= to; start += span) {
      const head = this.#state.get(this.#keyOf(start, group)) as Head | undefined
      if (head === undefined) continue
      found.push(...head[1])
      for (let n = 1; n <= head[0]; n++) found.push(...this.#more(start, group, n))
    }
    return found.filter(([time]) => time >= earliest && time <= to).sort(([a], [b]) => a - b)
  }

  /** @param newest the latest time of the side, this record's included @returns false where the record is too old */
  keep({ group, time, value }: Arrival, newest: number): boolean {
    if (time <= newest - this.#options.retention) return false
    this.#forget(newest)
    const start = startOf(time, this.#options.span)
    const key = this.#keyOf(start, group)
    const [more, records] = (this.#state.get(key) as Head | undefined) ?? [0, []]
    const record: Kept = [time, value]
    if (more === 0 && records.length < most) {
      this.#state.set(key, [0, [...records, record]] satisfies Head)
      return true
    }
    const last = more === 0 ? [] : this.#more(start, group, more)
    if (more > 0 && last.length < most) {
      this.#state.set(this.#keyOf(start, group, more), [...last, record])
    } else {
      this.#state.set(this.#keyOf(start, group, more + 1), [record])
      this.#state.set(key, [more + 1, records] satisfies Head)
    }
    return true
  }

  #more(start: number, group: string, n: number): readonly Kept[] {
    return this.#state.get(this.#keyOf(start, group, n)) as readonly Kept[]
  }

  #forget(newest: number): void {
    if (newest < this.#next) return
    const { span, retention } = this.#options
    const passed: string[] = []
    for (const key of this.#state.keys(this.#prefix, this.#keyOf(Math.max(0, newest - retention - span + 2)))) {
      if (passed.length === forgottenAtOnce) break
      passed.push(key)
    }
    for (const key of passed) this.#state.delete(key)
    this.#next = passed.length < forgottenAtOnce ? newest + Math.max(span, Math.floor(retention / 16)) : newest
  }

  #keyOf(start: number, group = '', n = 0): string {
    return this.#prefix + timeText(start) + String(n).padStart(digits, '0') + group
  }
}

const startOf = (time: number, span: number): number => time - (time % span)
