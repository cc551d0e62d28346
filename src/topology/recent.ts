/** What an entry takes beside its key and its value, in bytes, about. */
const overhead = 96

interface Entry {
  value: unknown
  bytes: number
}

/** Decoded values of a store's keys, those that were used last. */
export class Recent {
  readonly #budget: Budget
  readonly #evicted: (key: string) => void
  #young = new Map<string, Entry>()
  #old = new Map<string, Entry>()

  /** @param evicted told of each key that is forgotten because others were used since */
  constructor(budget: Budget, evicted: (key: string) => void) {
    this.#budget = budget
    this.#evicted = evicted
    budget.share(this)
  }

  get(key: string): { readonly value: unknown } | undefined {
    const young = this.#young.get(key)
    if (young) return young
    const old = this.#old.get(key)
    if (old) this.#add(key, old)
    return old
  }

  /** @param size of the encoded value, in bytes */
  put(key: string, value: unknown, size: number): void {
    const bytes = overhead + 2 * key.length + 2 * size
    const young = this.#young.get(key)
    if (!young) return this.#add(key, { value, bytes })
    const more = bytes - young.bytes
    young.value = value
    young.bytes = bytes
    this.#budget.spend(more)
  }

  remove(key: string): void {
    const young = this.#young.get(key)
    this.#old.delete(key)
    if (!young) return
    this.#young.delete(key)
    this.#budget.spend(-young.bytes)
  }

  /** Those that were not used since the last time are forgotten. */
  age(): void {
    const old = this.#old
    this.#old = this.#young
    this.#young = new Map()
    for (const key of old.keys()) if (!this.#old.has(key)) this.#evicted(key)
  }

  #add(key: string, entry: Entry): void {
    this.#young.set(key, entry)
    this.#budget.spend(entry.bytes)
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
