/** What a feed says of itself. */
export interface ParsedFeed {
  readonly title?: string
  readonly language?: string
  /** Where relative links of its entries start from, as far as it says so. */
  readonly base?: string
  /** Stand for an entry's where it has none of its own. */
  readonly authors: readonly string[]
}

/** An entry as its document has it: text resolved, links and times still as they were written. */
export interface ParsedEntry {
  readonly guid?: string
  readonly title?: string
  readonly link?: string
  /** Where its relative links start from, as far as it says so itself. */
  readonly base?: string
  readonly summary?: string
  readonly content?: string
  readonly authors: readonly string[]
  readonly categories: readonly string[]
  readonly language?: string
  /** The feed that it was taken over from. */
  readonly source?: string
  readonly published?: string
  readonly updated?: string
}

/** The same fields without those that are undefined. */
export function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
