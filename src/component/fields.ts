import { z } from 'zod'

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizeUnits = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const

/** A duration such as "500ms" or "10m"; parsed to milliseconds. */
export const duration = () =>
  z
    .string()
    .regex(/^\d+(ms|s|m|h|d)$/, 'expected a duration such as "500ms", "10m" or "7d"')
    .transform((text) => scaled(text, durationUnits))

/** Milliseconds as configs write them: "7d", "90m". */
export function durationText(milliseconds: number): string {
  const [unit, scale] = Object.entries(durationUnits).findLast(([, size]) => milliseconds % size === 0) ?? ['ms', 1]
  return milliseconds === 0 ? '0ms' : `${milliseconds / scale}${unit}`
}

/** A size such as "64KiB"; parsed to bytes. */
export const size = () =>
  z
    .string()
    .regex(/^\d+(B|KiB|MiB|GiB)$/, 'expected a size such as "64KiB" or "1MiB"')
    .transform((text) => scaled(text, sizeUnits))

/** A dotted path to a field of a record's value. */
export const path = () =>
  z
    .string()
    .regex(/^[\w-]+(\.[\w-]+)*$/, 'expected the path of a field, such as "order.id"')
    .refine((text) => !text.split('.').includes('__proto__'), 'a path cannot lead through "__proto__"')

/** The name of one field of an object, which may hold anything but a dot. */
export const fieldName = () => z.string().regex(/^[^.]+$/, 'expected the name of a field, without dots')

/** Refuses the name "__proto__" in a map, which zod would leave out without a word. */
export const withoutProto = <O, I>(map: z.ZodType<O, I>): z.ZodType<O, I> =>
  z.preprocess((given, context) => {
    if (given !== null && typeof given === 'object' && Object.hasOwn(given, '__proto__')) {
      context.addIssue({ code: 'custom', message: 'nothing can be named "__proto__"' })
    }
    return given
  }, map) as unknown as z.ZodType<O, I>

/** A topic name as Kafka allows it. */
export const topicName = () =>
  z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,249}$/, 'expected a topic name: up to 249 of a-z A-Z 0-9 . _ -')
    .refine((name) => name !== '.' && name !== '..', 'a topic cannot be named "." or ".."')

function scaled<U extends { readonly [unit: string]: number }>(text: string, units: U): number {
  const [, amount, unit] = /^(\d+)(\w+)$/.exec(text)!
  return Number(amount) * units[unit!]!
}
