import { keyMember, valueMember } from '../record/asJson.ts'
import type { Disposition, LedgerEntry } from './ledger/entry.ts'
import type { Letter } from './readLetter.ts'

/** What became of a letter. */
export interface LetterStanding {
  readonly disposition: Disposition
  /** The first entry first. */
  readonly history: readonly LedgerEntry[]
}

/** A letter as one line of JSON; its key and value are those of the source record, `timestamp` is in milliseconds. */
export function letterAsJson(letter: Letter, { disposition, history }: LetterStanding): string {
  const { id, source, topic, partition, offset, operator, fault, attempts, hops, revision, record } = letter
  const facts = JSON.stringify({
    id,
    source,
    topic,
    partition,
    offset: Number(offset),
    operator,
    fault,
    attempts,
    hops,
    revision,
    origin: { ...letter.origin, offset: Number(letter.origin.offset) },
    failedAt: iso(letter.failedAt),
    firstFailedAt: iso(letter.firstFailedAt),
    disposition,
    fingerprint: letter.fingerprint,
    ...(letter.convention !== 'oxbow' && { convention: letter.convention, missing: letter.missing }),
    history: history.map(({ at, to, by, why, redrive }) => ({ at: iso(at), to, by, why, redrive })),
  })
  return `${facts.slice(0, -1)},${keyMember(record.key)},${valueMember(record.value)}}`
}

const iso = (time: number): string => new Date(time).toISOString()
