import { z } from 'zod'
import type { LedgerEntry } from '../../deadletter/ledger/entry.ts'
import type { IndexedLetter } from '../../deadletter/ledger/letters.ts'
import type { User } from '../security/users.ts'
import { shownBytes, timeOf } from '../workbench/shown.ts'
import { veilFor } from '../workbench/veil.ts'
import type { FoundLetter, Workbench } from '../workbench/workbench.ts'
import { operation, type Operation } from './operation.ts'
import {
  bytes,
  count,
  cursor,
  cursorOf,
  disposition,
  entry,
  fingerprint,
  indexedLetter,
  iso,
  letterId,
  pageSize,
  time,
  topic,
} from './shapes.ts'

/** Of a value, this much is shown. */
const mostShown = 262_144
/** Of a value, this much is shown as hexadecimal digits. */
const mostHex = 16_384

/** Dead letters. */
export const letterOperations = (workbench: Workbench): readonly Operation[] => [
  operation(
    {
      method: 'GET',
      path: '/api/letters',
      role: 'view',
      summary: 'Letters, those that failed last first',
      query: z.strictObject({
        topic: topic().optional(),
        group: fingerprint().optional(),
        disposition: disposition().optional(),
        key: z.string().max(1_000).optional(),
        limit: pageSize(50, 200),
        after: cursor().optional(),
      }),
      answer: z.object({
        letters: z.array(indexedLetter()),
        next: z.string().nullable().describe('For "after", where there are more.'),
      }),
    },
    async ({ query }) => {
      await workbench.follow()
      const { topic: name, group, disposition: only, key, limit, after } = query
      const choice = {
        ...(name !== undefined && { topic: name }),
        ...(group !== undefined && { fingerprint: group }),
        ...(only !== undefined && { disposition: [only] }),
        ...(key !== undefined && { key: Buffer.from(key) }),
      }
      const { letters, next } = workbench.parts.ledger.page(
        choice,
        limit,
        after && { failedAt: after[0], number: after[1] },
      )
      return { letters: letters.map(asJson), next: next ? cursorOf(next.failedAt, next.number) : null }
    },
  ),
  operation(
    {
      method: 'GET',
      path: '/api/letters/{id}',
      role: 'view',
      summary: 'One letter: the source record, what failed and why, and what became of it',
      params: z.strictObject({ id: letterId() }),
      answer: letter(),
    },
    async ({ params, user }) => wholeLetter(workbench, await workbench.letter(params.id), user),
  ),
]

function letter() {
  return indexedLetter().extend({
    pipeline: z.string(),
    operator: z.string(),
    fault: z.object({ code: z.string(), message: z.string(), stack: z.string() }),
    attempts: count(),
    revision: z.string().describe('Of the config.'),
    origin: z.object({ topic: z.string(), partition: count(), offset: count(), timestamp: time().nullable() }),
    firstFailedAt: time(),
    asked: z.string().describe('What the fault asked for: `retry` means that every try failed.'),
    input: z.string().nullable().describe('What the operator was given, where that is not the source record’s value.'),
    headers: z.array(z.tuple([z.string(), bytes().nullable()])),
    value: bytes().nullable(),
    hex: z
      .string()
      .nullable()
      .describe(`The first ${mostHex} bytes of the value; null where they are hidden from you.`),
    history: z.array(entry()).describe('What was said of it, the first entry first.'),
  })
}

/** All of a letter that somebody may see. */
export function wholeLetter({ parts }: Workbench, { indexed, letter: own }: FoundLetter, user: User) {
  const {
    pipeline,
    operator,
    fault,
    attempts,
    revision,
    origin,
    firstFailedAt,
    disposition: asked,
    input,
    record,
  } = own
  const veil = veilFor(
    user,
    parts.pipelines.map(({ plan }) => plan),
  )
  return {
    ...asJson(indexed),
    ...{ pipeline, operator, fault, attempts, revision, asked },
    origin: { ...origin, offset: Number(origin.offset), timestamp: timeOf(origin.timestamp) },
    firstFailedAt: iso(firstFailedAt),
    input: input ?? null,
    headers: record.headers.map((header) => veil.header(header, 4_096)),
    value: veil.value(record.value, mostShown),
    hex: veil.isOpen && record.value ? record.value.subarray(0, mostHex).toString('hex') : null,
    history: parts.ledger.history(indexed.id).map((said) => entryAsJson(said, indexed.topic)),
  }
}

const asJson = ({ fingerprint: group, offset, key, failedAt, ...rest }: IndexedLetter) => ({
  ...rest,
  group,
  offset: Number(offset),
  key: key && shownBytes(key, 1_024),
  failedAt: iso(failedAt),
})

export const entryAsJson = (
  { at, letter: id, to, by, why, redrive, hops, failedAt }: LedgerEntry,
  inTopic: string,
) => ({
  at: iso(at),
  letter: id,
  topic: inTopic,
  ...{ to, by, why, hops },
  redrive: redrive ?? null,
  failedAt: iso(failedAt),
})
