import { identityOf } from './identity.ts'

/** What an expression gives, as a key: text as it is, anything else as JSON; null for null and nothing, which are no keys. */
export const keyOfResult = (result: unknown): Buffer | null =>
  result === undefined || result === null ? null : Buffer.from(typeof result === 'string' ? result : identityOf(result))
