import { isSame, type User, type Users } from './users.ts'

/** How long who logs in stays in, in milliseconds. */
const lifetime = 12 * 3_600_000

const cookieName = 'oxbow-session'

/** What the cookie holds: a name, until when, and the proof that this server said so. */
export function sessionFor(users: Users, { name }: User, now: number): string {
  const said = `${name}.${now + lifetime}`
  return `${said}.${users.sign(said)}`
}

/** Whose session it is; undefined for one that is over, was made up, or is of somebody who may not come in any more. */
export function userOf(users: Users, session: string, now: number): User | undefined {
  const [, name, until, proof] = /^(.+)\.(\d{1,16})\.([\w-]+)$/.exec(session) ?? []
  if (name === undefined || Number(until) < now || !isSame(users.sign(`${name}.${until}`), proof!)) return undefined
  return users.named(name)
}

/** What the forms of a session carry, which no page of another site can know. */
export const formTokenOf = (users: Users, session: string): string => users.sign(`form ${session}`)

export function sessionIn(cookies: string | undefined): string | undefined {
  const pairs = (cookies ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1)
}

/** @param session empty to log out @param secure whether it came by HTTPS */
export const cookieWith = (session: string, secure: boolean): string =>
  [
    `${cookieName}=${session}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    `Max-Age=${session === '' ? 0 : lifetime / 1_000}`,
    ...(secure ? ['Secure'] : []),
  ].join('; ')
