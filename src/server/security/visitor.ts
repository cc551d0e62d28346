import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { accountName } from '../../deadletter/ledger/accountName.ts'
import type { Door } from './door.ts'
import { formTokenOf, sessionIn, userOf } from './session.ts'
import type { User, Users } from './users.ts'

/** Who asks, and how that is known. */
export interface Visitor {
  readonly user: User
  /** What its forms must carry; absent where it names its token in each request. */
  readonly formToken?: string
  /** Whether it sent a cookie, which a browser does by itself. */
  readonly byCookie: boolean
}

/** Tells who asks; undefined is nobody. @throws Problem 429 where too many tokens were tried */
export type Doorkeeper = (request: IncomingMessage) => Visitor | undefined

/** Where tokens are wanted. */
export const byToken =
  (users: Users, door: Door): Doorkeeper =>
  (request) => {
    const { headers } = request
    const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(headers.authorization ?? '')?.[1]
    if (token !== undefined) {
      const user = door.enter(token, request)
      return user && { user, byCookie: false }
    }
    const session = sessionIn(headers.cookie)
    const user = session === undefined ? undefined : userOf(users, session, Date.now())
    return user && { user, formToken: formTokenOf(users, session!), byCookie: true }
  }

/** Where only this machine is listened to and nobody has a token: whoever it is may do everything. */
export function localUser(): Doorkeeper {
  const user = { name: accountName(), role: 'edit' } as const
  const visitor = { user, formToken: randomBytes(24).toString('base64url'), byCookie: false }
  return () => visitor
}
