import { userInfo } from 'node:os'

/** The account that this runs under, as the ledger names it; one without a name, as containers have, by its number. */
export function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
