/** Deeper values may have no end. */
const maxDepth = 16

/** Whether a value is the same once it has been JSON. */
export function isPlainJson(value: unknown, depth = maxDepth): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'object':
      if (value === null) return true
      if (depth === 0) return false
      return Array.isArray(value) ? isPlainList(value, depth - 1) : isPlainObject(value, depth - 1)
    default:
      return false
  }
}

function isPlainList(list: readonly unknown[], depth: number): boolean {
  // Holes are undefined here. What a list has beside its elements, a structured clone keeps.
  for (let at = 0; at < list.length; at++) if (!isPlainJson(list[at], depth)) return false
  return Object.keys(list).length === list.length
}

function isPlainObject(value: object, depth: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key in value)
    if (key === 'toJSON' || !isPlainJson((value as Record<string, unknown>)[key], depth)) return false
  return true
}
