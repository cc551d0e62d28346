/** First in, first out; taking costs the same however many wait, which `Array.shift` does not promise. */
export class Queue<T> {
  #items: T[] = []
  #taken = 0

  get length(): number {
    return this.#items.length - this.#taken
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The one that has waited longest; undefined when there is none. */
  take(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#taken++]
    if (this.#taken > 1_000 && this.#taken * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#taken)
      this.#taken = 0
    }
    return item
  }
}
