/** What an entry takes beside its key and its value, in bytes, about. */
const overhead = 96

/** Stands for a value that is to be deleted. */
export const deleted = Symbol('deleted')

/** A key's value in memory. */
export interface Entry {
  readonly key: string
  value: unknown
  bytes: number
  /** Changed since the last unit was taken. */
  isFresh: boolean
  /** Changed in the last unit: the broker may not have it yet. */
  isTaken: boolean
}

/** Whether the broker may not have a value yet. */
export const isChanged = ({ isFresh, isTaken }: Entry): boolean => isFresh || isTaken

/** Decoded values of a store's keys: those that were used last, and all that are changed. */
export class Recent {
  readonly #budget: Budget
  readonly #evicted: (key: string) => void
  #young = new Map<string, Entry>()
  #old = new Map<string, Entry>()
  /** The one that was asked for last: what is read is often written next. */
  #lastKey: string | undefined
  #last: Entry | undefined

  /** @param evicted told of each key that is forgotten because others were used since */
  constructor(budget: Budget, evicted: (key: string) => void) {
    this.#budget = budget
    this.#evicted = evicted
    budget.share(this)
  }

  get(key: string): Entry | undefined {
    if (key === this.#lastKey) return this.#last
    const entry = this.#young.get(key) ?? this.#promoted(key)
    if (entry) this.#remember(key, entry)
    return entry
  }

  /** Adds a key that is not in memory. @param size of the encoded value, in bytes; 0 when it is not known yet */
  add(key: string, value: unknown, size = 0): Entry {
    const entry = { key, value, bytes: 0, isFresh: false, isTaken: false }
    this.#young.set(key, entry)
    this.#remember(key, entry)
    if (size > 0) this.resize(entry, size)
    return entry
  }

  /** @param size of the encoded value, in bytes */
  resize(entry: Entry, size: number): void {
    const bytes = overhead + 2 * entry.key.length + 2 * size
    const more = bytes - entry.bytes
    entry.bytes = bytes
    if (more !== 0) this.#budget.spend(more)
  }

  remove(key: string): void {
    const young = this.#young.get(key)
    this.#old.delete(key)
    this.#young.delete(key)
    this.#remember(undefined, undefined)
    if (young) this.#budget.spend(-young.bytes)
  }

  /** Those that were not used since the last time are forgotten, but for changes. */
  age(): void {
    const old = this.#old
    this.#old = this.#young
    this.#young = new Map()
    this.#remember(undefined, undefined)
    for (const [key, entry] of old) {
      if (this.#old.has(key)) continue
      if (isChanged(entry)) this.#young.set(key, entry)
      else this.#evicted(key)
    }
  }

  #promoted(key: string): Entry | undefined {
    const entry = this.#old.get(key)
    if (!entry) return undefined
    this.#young.set(key, entry)
    this.#budget.spend(entry.bytes)
    return entry
  }

  #remember(key: string | undefined, entry: Entry | undefined): void {
    this.#lastKey = key
    this.#last = entry
  }
}

/** What the stores of a task may keep in memory together. */
export class Budget {
  readonly #half: number
  readonly #shares: Recent[] = []
  #spent = 0

  /** @param bytes about so many at most */
  constructor(bytes: number) {
    this.#half = bytes / 2
  }

  share(recent: Recent): void {
    this.#shares.push(recent)
  }

  spend(bytes: number): void {
    this.#spent += bytes
    if (this.#spent <= this.#half) return
    this.#spent = 0
    for (const recent of this.#shares) recent.age()
  }
}
