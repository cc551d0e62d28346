import type { IncomingMessage } from 'node:http'
import type { Log } from '../../component/context.ts'
import { Problem } from '../problem.ts'
import { Proxies } from './proxies.ts'
import type { User, Users } from './users.ts'

/** So many tokens that are nobody's may come from an address at once, and one more after each pause. */
const mostWrong = 20
/** In milliseconds. */
const pause = 3_000
/** So many addresses are kept in mind; those that tried last. */
const mostAddresses = 10_000

/** Where tokens are checked. Whoever tries many has to wait, whether the next one is right or not: else waiting would tell. */
export class Door {
  readonly #users: Users
  readonly #log: Log
  readonly #proxies: Proxies
  readonly #now: () => number
  /** By address, when all of its wrong tries will be forgotten. */
  readonly #tries = new Map<string, number>()

  /** @param now milliseconds since the epoch */
  constructor(users: Users, log: Log, proxies = new Proxies(), now: () => number = Date.now) {
    this.#users = users
    this.#log = log
    this.#proxies = proxies
    this.#now = now
  }

  /** Whose token it is; undefined for nobody's. @throws Problem 429 while the address has to wait */
  enter(token: string, request: IncomingMessage): User | undefined {
    const address = networkOf(this.#proxies.addressOf(request))
    const now = this.#now()
    const until = Math.max(now, this.#tries.get(address) ?? 0)
    const wait = until + pause - mostWrong * pause - now
    if (wait > 0)
      throw new Problem(429, 'Too many wrong tokens came from this address: wait before you try again.', {
        'retry-after': String(Math.ceil(wait / 1_000)),
      })
    const user = this.#users.withToken(token)
    if (!user) this.#remember(address, until + pause, now)
    return user
  }

  #remember(address: string, until: number, now: number): void {
    this.#tries.delete(address)
    this.#tries.set(address, until)
    if (until - now > (mostWrong - 1) * pause)
      this.#log.warn({ address }, `${mostWrong} wrong tokens came from ${address}: it has to wait between tries now.`)
    const oldest = this.#tries.keys().next()
    if (this.#tries.size > mostAddresses && !oldest.done) this.#tries.delete(oldest.value)
  }
}

/** Who has one IPv6 address has all of its /64. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter(Boolean)
  const rest = tail === undefined ? [] : tail.split(':').filter(Boolean)
  const missing = tail === undefined ? 0 : 8 - groups.length - rest.length
  return [...groups, ...Array<string>(missing).fill('0'), ...rest].slice(0, 4).join(':')
}
