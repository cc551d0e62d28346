import { kindOf } from '../../record/kind.ts'

/** What one record has at a path; of a path through a list, what all its elements have. */
export interface Sighting {
  readonly kinds: Set<string>
  /** The path of the object that it is a field of; undefined for the value itself and for elements of lists. */
  readonly holder: string | undefined
  times: number
  /** How often it was an object, which fields may be missing of. */
  objects: number
  readonly numbers: number[]
  /** Of texts, in characters, and of lists. */
  readonly lengths: number[]
  readonly texts: string[]
}

/** By path: `price`, `customer.name`, `lines[].sku`; the record's value is at "". */
export type Sightings = ReadonlyMap<string, Sighting>

const mostFields = 500
const mostElements = 100
const deepest = 8

/** Looks through a record's value; large ones in part. */
export function sightingsOf(value: unknown): Sightings {
  const found = new Map<string, Sighting>()
  look(value, { path: '', holder: undefined, depth: 0 }, found)
  return found
}

interface Place {
  readonly path: string
  readonly holder: string | undefined
  readonly depth: number
}

function look(value: unknown, place: Place, found: Map<string, Sighting>): void {
  const { path, depth } = place
  const sighting = at(place, found)
  if (!sighting) return
  sighting.times++
  sighting.kinds.add(kindOf(value))
  if (typeof value === 'number') sighting.numbers.push(value)
  if (typeof value === 'string') {
    sighting.lengths.push(value.length)
    sighting.texts.push(value)
  }
  if (depth === deepest || value === null || typeof value !== 'object' || value instanceof Uint8Array) return
  if (Array.isArray(value)) {
    sighting.lengths.push(value.length)
    const below = { path: `${path}[]`, holder: undefined, depth: depth + 1 }
    for (const element of value.slice(0, mostElements)) look(element, below, found)
    return
  }
  sighting.objects++
  for (const [name, field] of Object.entries(value)) {
    look(field, { path: path === '' ? name : `${path}.${name}`, holder: path, depth: depth + 1 }, found)
  }
}

function at({ path, holder }: Place, found: Map<string, Sighting>): Sighting | undefined {
  const known = found.get(path)
  if (known || found.size >= mostFields) return known
  const made: Sighting = { kinds: new Set(), holder, times: 0, objects: 0, numbers: [], lengths: [], texts: [] }
  found.set(path, made)
  return made
}
