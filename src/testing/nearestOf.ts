import { nearest } from '../topology/issue.ts'

/** What a wrong name may have meant, or which there are: "did you mean `orders`?" */
export function nearestOf(wrong: string, known: readonly string[]): string {
  const near = nearest(wrong, known)
  if (near.length > 0) return `did you mean ${quoted(near, ' or ')}?`
  return known.length > 0 ? `known are ${quoted(known, ', ')}` : 'there is none'
}

const quoted = (names: readonly string[], between: string): string => names.map((name) => `\`${name}\``).join(between)
