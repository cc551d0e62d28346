import { z } from 'zod'
import { topicName } from '../../component/fields.ts'
import { dispositions } from '../../deadletter/ledger/entry.ts'

/** A whole number in an address. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `expected a whole number from ${least} to ${most}`)
    .transform(Number)
    .pipe(z.int().min(least).max(most))

/** Entries of one page. */
export const pageSize = (usual: number, most: number) =>
  whole(1, most)
    .optional()
    .transform((size) => size ?? usual)
    .pipe(z.int())

export const time = () => z.string().describe('ISO 8601, UTC')
export const count = () => z.int().min(0)
export const topic = () => topicName()
export const letterId = () => z.string().regex(/^[\x21-\x7e]{1,300}$/, 'expected the id of a letter')
export const fingerprint = () => z.string().regex(/^[\x21-\x7e]{1,200}$/, 'expected the fingerprint of a group')
export const disposition = () => z.enum(dispositions)
export const groupState = () => z.enum(['new', 'ongoing', 'resolved', 'regressed', 'muted'])

/** The place where a page ends: what the answer calls `next`. */
export const cursor = () =>
  z
    .string()
    .regex(/^\d{1,16}\.\d{1,15}$/, 'expected what an answer called "next"')
    .transform((text) => text.split('.').map(Number) as [number, number])

/** Where a page ends, for the next one. */
export const cursorOf = (first: number, second: number): string => `${first}.${second}`

/** Text for people: a reason, at most a line or two. */
export const reason = () =>
  z
    .string('say why: the ledger keeps it')
    .min(1, 'say why: the ledger keeps it')
    .max(500)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'expected one line of text')

export const bytes = () =>
  z.object({
    size: count().describe('All bytes, also those that are not shown.'),
    text: z.string().optional(),
    base64: z.string().optional().describe('Of what is not UTF-8.'),
    cut: z.literal(true).optional().describe('Only the beginning is shown.'),
    masked: z.literal(true).optional().describe('Fields of it, or all of it, are hidden from you.'),
  })

export const letterCount = () =>
  z.object({
    source: z.string(),
    topic: z.string(),
    pipeline: z.string().optional(),
    open: count().describe('The true number of dead letters.'),
    redriving: count(),
    resolved: count(),
    discarded: count(),
    expired: count(),
    expiring: count().describe('Open ones that the topic’s retention deletes within a day.'),
    retained: count().describe('What the topic keeps by its offsets: an upper bound.'),
    oldest: time().nullable().describe('When the oldest open one failed.'),
    warnings: z.array(z.string()).describe('What the topic will do to open ones.'),
  })

export const group = () =>
  z.object({
    topic: z.string(),
    fingerprint: z.string(),
    state: groupState(),
    pipeline: z.string(),
    source: z.string(),
    operator: z.string(),
    code: z.string(),
    message: z.string(),
    open: count(),
    redriving: count(),
    resolved: count(),
    discarded: count(),
    expired: count(),
    first: time(),
    last: time(),
    oldest: time().nullable(),
    trend: z.array(count()).describe('Failures of the last 24 hours, hour by hour, the current one last.'),
  })

export const indexedLetter = () =>
  z.object({
    id: z.string(),
    topic: z.string(),
    partition: count(),
    offset: count(),
    group: z.string(),
    source: z.string(),
    key: bytes().nullable(),
    hops: count().describe('How often it was sent back.'),
    failedAt: time(),
    disposition: disposition(),
  })

export const entry = () =>
  z.object({
    at: time(),
    letter: z.string(),
    topic: z.string(),
    to: disposition(),
    by: z.string(),
    why: z.string(),
    redrive: z.string().nullable(),
    hops: count(),
    failedAt: time(),
  })

/** How a decision about a group is called. */
const decision = () => z.enum(['muted', 'unmuted', 'merged', 'split'])

export const groupEntry = () =>
  z.object({
    at: time(),
    group: z.string(),
    topic: z.string(),
    to: decision(),
    into: z.string().nullable().describe('The group that it was merged into.'),
    by: z.string(),
    why: z.string(),
  })

export const record = () =>
  z.object({
    topic: z.string(),
    partition: count(),
    offset: count(),
    timestamp: time().nullable().describe('null where it is no time that there is.'),
    key: bytes().nullable(),
    headers: z.array(z.tuple([z.string(), bytes().nullable()])),
    value: bytes().nullable(),
  })

/** Times of the index may be those of others: what is none is the start of 1970. */
export const iso = (milliseconds: number): string =>
  new Date(Math.abs(milliseconds) <= 8.64e15 ? milliseconds : 0).toISOString()

export const isoOr = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : iso(milliseconds)
