import { BrokerError } from '../broker.ts'

/** Primary result codes of SQLite that a user can do something about. */
const advice: { readonly [code: number]: (file: string) => string } = {
  5: (file) => `${file} stayed locked by another process for too long. Is one of them stopped in the middle?`,
  6: (file) => `${file} stayed locked by another process for too long. Is one of them stopped in the middle?`,
  8: (file) => `${file} can only be read. Give this user the right to write it and its directory.`,
  10: (file) =>
    `The disk failed to read or write ${file}. Nothing of this unit was kept; look at the disk and at its quotas.`,
  11: (file) => `${file} is damaged. Restore it from a copy, or start over with another --data directory.`,
  13: (file) => `The disk is full: nothing of this unit was written to ${file}. Free some space.`,
  14: (file) => `${file} cannot be opened. Does its directory exist, and may this user write there?`,
  18: (file) => `A record or state value is too large for ${file}: 1 GB is the most.`,
  26: (file) => `${file} is not a database of Oxbow, or it is damaged. Move it away, or use another --data directory.`,
}

/** Whatever went wrong in the database, as a BrokerError that says what would help. */
export function asBrokerError(thrown: unknown, file: string): BrokerError {
  if (thrown instanceof BrokerError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const advise = advice[resultCode(thrown) & 0xff]
  return new BrokerError(
    advise ? `${advise(file)} (SQLite: ${message})` : `The embedded broker failed on ${file}: ${message}`,
    { cause: thrown },
  )
}

/** SQLite's extended result code; 0 when the error is not SQLite's. */
export const resultCode = (thrown: unknown): number =>
  thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number' ? thrown.errcode : 0
