import { userInfo } from 'node:os'

/** Who runs the command, as the ledger names them: an account without a name, as containers have, by its number. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
