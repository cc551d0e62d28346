/** The same items, beginning elsewhere each turn, so that none is always last. */
export function rotate<T>(items: readonly T[], turn: number): readonly T[] {
  const first = items.length > 0 ? turn % items.length : 0
  return [...items.slice(first), ...items.slice(0, first)]
}
