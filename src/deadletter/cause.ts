import { sightingsOf, type Sighting, type Sightings } from './cause/sightings.ts'

/** Of causes that tell as much, the first of these comes first: a list may well be longer because its elements are others. */
const kinds = ['missing', 'null', 'type', 'value', 'range', 'length', 'there'] as const

/** Something that letters of a group have in common, and healthy records have not. */
export interface Cause {
  /** Path of the field, such as `lines[].sku`; empty for the value itself. */
  readonly field: string
  readonly kind: (typeof kinds)[number]
  /** In how many of the letters, and of the healthy records. */
  readonly letters: number
  readonly healthy: number
  /** One sentence, with these figures. No text of a record is in it, only numbers. */
  readonly text: string
}

const mostCauses = 5
/** How much more often it must be so in letters than in healthy records, as parts of all. */
const leastDifference = 0.5
/** A field with more values than these is no choice of a few. */
const mostChoices = 12

/**
 * What may be why the letters of a group failed: the field that is most often missing, of another type, or of values that
 * healthy records do not have. The most telling first; none where they do not differ, or where there is nothing to compare with.
 * @param letters values of some letters of the group @param healthy values of some records that passed
 */
export function suggestedCauses(letters: readonly unknown[], healthy: readonly unknown[]): readonly Cause[] {
  if (letters.length === 0 || healthy.length === 0) return []
  const samples = { letters: letters.map(sightingsOf), healthy: healthy.map(sightingsOf) }
  const fields = new Set([...samples.letters, ...samples.healthy].flatMap((seen) => [...seen.keys()]))
  return [...fields]
    .flatMap((field) => mostTelling(field, samples) ?? [])
    .toSorted((a, b) => telling(a, b, samples))
    .slice(0, mostCauses)
}

interface Samples {
  readonly letters: readonly Sightings[]
  readonly healthy: readonly Sightings[]
}

const difference = ({ letters, healthy }: Cause, samples: Samples): number =>
  letters / samples.letters.length - healthy / samples.healthy.length

/** Whether one cause tells letters apart better than another, as a sort takes it. */
const telling = (a: Cause, b: Cause, samples: Samples): number =>
  difference(b, samples) - difference(a, samples) ||
  kinds.indexOf(a.kind) - kinds.indexOf(b.kind) ||
  a.field.length - b.field.length

/** Of what can be said of a field, that which tells the letters apart best. */
function mostTelling(field: string, samples: Samples): Cause | undefined {
  const causes = statements(field, samples).map(({ kind, holds, says }): Cause => {
    const letters = samples.letters.filter(holds).length
    const healthy = samples.healthy.filter(holds).length
    return { field, kind, letters, healthy, text: `${field || 'The value'} ${says(letters, healthy)}.` }
  })
  return causes
    .filter((cause) => difference(cause, samples) >= leastDifference)
    .toSorted((a, b) => telling(a, b, samples))[0]
}

/** What may be true of a field in a record; of several that tell as much, the first counts. */
interface Statement {
  readonly kind: Cause['kind']
  readonly holds: (record: Sightings) => boolean
  readonly says: (letters: number, healthy: number) => string
}

function statements(field: string, { letters, healthy }: Samples): readonly Statement[] {
  const of = (count: number, all: readonly unknown[], what: string) =>
    `${grouped(count)} of ${grouped(all.length)} ${what}`
  const inBoth = (a: number, b: number) =>
    `in ${of(a, letters, 'letters')}, and in ${of(b, healthy, 'healthy records')}`
  const at = (record: Sightings): Sighting | undefined => record.get(field)
  const holder = [...letters, ...healthy].map(at).find(Boolean)?.holder
  const usual = mostFrequent(healthy.flatMap((record) => [...(at(record)?.kinds ?? [])]))
  const found = new Set(usual ? letters.flatMap((record) => [...(at(record)?.kinds ?? [])]) : [])
  found.delete('null')
  return [
    { kind: 'missing', holds: (record) => lacks(record, field, holder), says: (a, b) => `is missing ${inBoth(a, b)}` },
    {
      kind: 'null',
      holds: (record) => at(record)?.kinds.has('null') ?? false,
      says: (a, b) => `is null ${inBoth(a, b)}`,
    },
    ...[...found].map((kind): Statement => ({
      kind: 'type',
      holds: (record) => at(record)?.kinds.has(kind) ?? false,
      says: (a, b) => `is ${article(kind)} ${inBoth(a, b)}, where it is ${article(usual!)}`,
    })),
    ...spans(field, { letters, healthy }),
    ...choices(field, { letters, healthy }),
    { kind: 'there', holds: (record) => (at(record)?.kinds.size ?? 0) > 0, says: (a, b) => `is there ${inBoth(a, b)}` },
  ]
}

/** An object that should hold the field does not. */
const lacks = (record: Sightings, field: string, holder: string | undefined): boolean =>
  holder !== undefined && (record.get(holder)?.objects ?? 0) > (record.get(field)?.times ?? 0)

/** Numbers, and lengths of texts and lists, that are beyond those of healthy records. */
function spans(field: string, { letters, healthy }: Samples): Statement[] {
  const measures = [
    { kind: 'range', of: 'numbers', says: (span: string) => `is ${span}` },
    { kind: 'length', of: 'lengths', says: (span: string) => `has a length of ${span}` },
  ] as const
  return measures.flatMap(({ kind, of, says }): Statement[] => {
    const numbersOf = (record: Sightings) => record.get(field)?.[of] ?? []
    const usual = spanOf(healthy.flatMap(numbersOf))
    if (!usual) return []
    const isBeyond = (number: number) => number < usual.low || number > usual.high
    const beyond = spanOf(letters.flatMap(numbersOf).filter(isBeyond))
    if (!beyond) return []
    const holds = (record: Sightings) => numbersOf(record).some(isBeyond)
    const all = `${grouped(healthy.filter((record) => numbersOf(record).length > 0).length)} healthy records`
    const said = (a: number) =>
      `${says(shown(beyond))} in ${grouped(a)} of ${grouped(letters.length)} letters; in ${all} it ${says(shown(usual))}`
    return [{ kind, holds, says: said }]
  })
}

/** A text out of a few, and one that is none of them. */
function choices(field: string, { letters, healthy }: Samples): Statement[] {
  const textsOf = (record: Sightings) => record.get(field)?.texts ?? []
  const usual = new Set(healthy.flatMap(textsOf))
  if (usual.size === 0 || usual.size > mostChoices || usual.size * 3 > healthy.length) return []
  const holds = (record: Sightings) => textsOf(record).some((text) => !usual.has(text))
  const known = usual.size === 1 ? 'the one value' : `the ${usual.size} values`
  const says = (a: number) =>
    `is none of ${known} that ${grouped(healthy.length)} healthy records have in ${grouped(a)} of ${grouped(letters.length)} letters`
  return [{ kind: 'value', holds, says }]
}

interface Span {
  readonly low: number
  readonly high: number
}

function spanOf(numbers: readonly number[]): Span | undefined {
  if (numbers.length === 0) return undefined
  return numbers.reduce((span, number) => ({ low: Math.min(span.low, number), high: Math.max(span.high, number) }), {
    low: Infinity,
    high: -Infinity,
  })
}

const shown = ({ low, high }: Span): string => (low === high ? grouped(low) : `${grouped(low)} to ${grouped(high)}`)

const grouped = (number: number): string => number.toLocaleString('en', { maximumFractionDigits: 6 })

function mostFrequent(kinds: readonly string[]): string | undefined {
  const counts = [...Map.groupBy(kinds, (kind) => kind)].toSorted(([, a], [, b]) => b.length - a.length)
  return counts[0]?.[0]
}

const article = (kind: string): string =>
  ['null', 'bytes'].includes(kind)
    ? kind
    : kind === 'array'
      ? 'a list'
      : `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
