import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What somebody may do; each may also do what those before it may. */
const roles = ['view', 'operate', 'edit'] as const
export type Role = (typeof roles)[number]

/** Who asks. */
export interface User {
  /** What the ledger and the log call it. */
  readonly name: string
  readonly role: Role
}

export const may = ({ role }: User, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)

/** The list of tokens is wrong; the message says where, and shows none of them. */
export class TokenProblem extends Error {
  override readonly name = 'TokenProblem'
}

interface Entry extends User {
  readonly digest: Buffer
}

/** Who may come in, each by a token of its own. */
export class Users {
  readonly #entries: readonly Entry[]
  readonly #key: Buffer

  /**
   * @param text lines (or parts between semicolons) of `NAME ROLE TOKEN`; what follows a # at the start of a line is not read
   * @throws TokenProblem for lines that are none, names or tokens that come twice, and tokens that could be guessed
   */
  constructor(text: string) {
    this.#entries = text.split(/[\n;]/).flatMap((line, at) => readLine(line.trim(), at + 1))
    if (this.#entries.length === 0) throw new TokenProblem('there are no tokens: expected lines of NAME ROLE TOKEN')
    refuseTwice(this.#entries)
    this.#key = digestOf(this.#entries.map(({ name, digest }) => `${name} ${digest.toString('hex')}`).join('\n'))
  }

  /** Whose token it is; it takes as long whichever it is, and if it is none. */
  withToken(token: string): User | undefined {
    const digest = digestOf(token)
    const found = this.#entries.filter((entry) => timingSafeEqual(entry.digest, digest))
    return found[0] ?? (isSame(this.memberToken, token) ? member : undefined)
  }

  named(name: string): User | undefined {
    return this.#entries.find((entry) => entry.name === name)
  }

  /** What members of a consumer group that know the same tokens say to each other. */
  get memberToken(): string {
    return this.sign('a member of the group')
  }

  /** What nobody can make up who does not know the tokens. */
  sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url')
  }
}

/** Another process of the same group: it asks for state only. */
const member: User = { name: 'member', role: 'view' }

/** Whether two texts are the same, in a time that says nothing of how far they are. */
export const isSame = (one: string, other: string): boolean => timingSafeEqual(digestOf(one), digestOf(other))

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Shorter ones can be guessed. */
const shortest = 16

function readLine(line: string, number: number): Entry[] {
  if (line === '' || line.startsWith('#')) return []
  const [name, role, token, ...rest] = line.split(/\s+/)
  const problem = (message: string) => new TokenProblem(`line ${number}: ${message}`)
  if (token === undefined || rest.length > 0) throw problem('expected NAME ROLE TOKEN')
  if (!/^[\w.@-]{1,64}$/.test(name!)) throw problem('a name is up to 64 letters, digits and . _ @ -')
  if (name === member.name) throw problem(`\`${name}\` is what other processes of the group are called`)
  if (!isRole(role!)) throw problem(`\`${role}\` is no role; roles are ${roles.join(', ')}`)
  if (token.length < shortest) throw problem(`the token of ${name} is shorter than ${shortest} characters`)
  return [{ name: name!, role, digest: digestOf(token) }]
}

const isRole = (text: string): text is Role => roles.includes(text as Role)

function refuseTwice(entries: readonly Entry[]): void {
  const names = new Set<string>()
  const digests = new Set<string>()
  for (const { name, digest } of entries) {
    if (names.has(name)) throw new TokenProblem(`${name} is named twice`)
    if (digests.has(digest.toString('hex'))) throw new TokenProblem(`${name} has the token of somebody else`)
    names.add(name)
    digests.add(digest.toString('hex'))
  }
}
