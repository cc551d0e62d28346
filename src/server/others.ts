import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Broker, MemberInfo } from '../broker/broker.ts'
import { json, type Answer } from './answer.ts'

/** Marks what a member passes on: it is answered for the partitions of the process that gets it, and goes no further. */
export const hopHeader = 'oxbow-hop'

/** Milliseconds that another process may take. */
const patience = 3_000
/** The most that it may answer, in bytes. */
const mostBytes = 16_777_216

/** A question to the members of a group that have partitions which this process does not have. */
export interface Question {
  readonly group: string
  /** The partitions of this process. */
  readonly own: readonly number[]
  /** Only to who has this one. */
  readonly partition?: number
  /** Of /tables, as this process makes it up: nothing of what it was asked with is passed on as it came. */
  readonly path: string
}

/** What another process answered: status 200, or 404 where it has no such entry. */
export interface Reply {
  readonly status: number
  readonly body: { readonly [name: string]: unknown }
}

interface Failure {
  readonly member: MemberInfo
  /** Whether it did not answer in time. */
  readonly late: boolean
  readonly error: string
}

/** What became of a question. */
export interface Others {
  readonly replies: readonly Reply[]
  readonly failures: readonly Failure[]
  /** Members that do not say where they answer. */
  readonly unnamed: readonly MemberInfo[]
  /** Partitions are nobody's now, or of somebody who has not taken them up yet. */
  readonly unsettled: boolean
}

/** Who can be asked, and how. */
export interface Asking {
  readonly broker: Broker
  /** What members say to each other where nobody is answered who has no token. */
  readonly memberToken: string | undefined
}

/** Asks each process once, all at the same time, and none but those of the group's members. */
export async function askOthers(asking: Asking, { group, own, partition, path }: Question): Promise<Others> {
  const members = await asking.broker.members(group)
  const others = members.filter(({ partitions }) =>
    partitions.some((each) => !own.includes(each.partition) && (partition ?? each.partition) === each.partition),
  )
  const named = new Map(others.flatMap((member) => (member.address === undefined ? [] : [[member.address, member]])))
  const asked = await Promise.all([...named.values()].map((member) => outcomeOf(member, path, asking)))
  const replies = asked.filter((each) => 'status' in each)
  const unnamed = others.filter(({ address }) => address === undefined)
  const told = new Set([...own, ...replies.flatMap(partitionsIn), ...numbersOf(unnamed)])
  const isRebalancing = members.length > 0 && numbersOf(members).length === 0
  return {
    replies,
    failures: asked.filter((each) => 'late' in each),
    unnamed,
    unsettled: isRebalancing || numbersOf(others).some((each) => (partition ?? each) === each && !told.has(each)),
  }
}

/** Why others cannot be spoken for, if so. @param what cannot be told, such as `totals has no entry with this key` */
export function problemOf(
  { failures, unnamed, unsettled }: Others,
  what: string,
  partitions: readonly number[],
): Answer | undefined {
  if (failures.length > 0) {
    const failed = failures.map(({ member, error }) => ({ ...identity(member), error }))
    const error = `${what} here, and not everybody who has other partitions could be asked.`
    return json(failures.every(({ late }) => late) ? 504 : 502, { error, partitions, failed })
  }
  if (unnamed.length > 0) {
    const error = `${what} here; ask those who have the other partitions. They are asked from here once they say where they answer (--advertise).`
    return json(421, { error, partitions, elsewhere: unnamed.map(identity) })
  }
  if (!unsettled) return undefined
  const error = `${what} here, and other partitions are just being taken up by those who have them now: ask again in a moment.`
  return { ...json(503, { error, partitions }), headers: { 'retry-after': '1' } }
}

/** The partitions that a reply speaks for. */
export const partitionsIn = ({ body }: Reply): readonly number[] =>
  Array.isArray(body['partitions']) ? (body['partitions'] as readonly number[]) : []

const numbersOf = (members: readonly MemberInfo[]): number[] => [
  ...new Set(members.flatMap(({ partitions }) => partitions.map(({ partition }) => partition))),
]

const identity = ({ id, clientId, host, address, ...member }: MemberInfo) => ({
  member: id,
  clientId,
  host,
  ...(address !== undefined && { address }),
  partitions: numbersOf([{ id, clientId, host, ...member }]),
})

async function outcomeOf(member: MemberInfo, path: string, { memberToken }: Asking): Promise<Reply | Failure> {
  const signal = AbortSignal.timeout(patience)
  try {
    const { status, body } = await ask(`http://${member.address}${path}`, signal, memberToken)
    const isReply = status === 200 || (status === 404 && Array.isArray(body['partitions']))
    if (isReply) return { status, body }
    return { member, late: false, error: `it answered ${status}: ${String(body['error'] ?? 'no reason is said')}` }
  } catch (thrown) {
    if (signal.aborted) return { member, late: true, error: `it did not answer within ${patience} ms` }
    const { code, message } = thrown as NodeJS.ErrnoException
    return { member, late: false, error: `it cannot be asked: ${code ?? message}` }
  }
}

/** One request; a redirect is an answer like any other. @throws what kept it from being answered with an object of JSON */
async function ask(url: string, signal: AbortSignal, memberToken: string | undefined): Promise<Reply> {
  const headers = { [hopHeader]: '1', ...(memberToken !== undefined && { authorization: `Bearer ${memberToken}` }) }
  const request = get(url, { agent: false, headers, signal })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) throw new Error(`its answer is longer than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, body: objectIn(Buffer.concat(chunks).toString()) }
}

function objectIn(text: string): Reply['body'] {
  try {
    return Object(JSON.parse(text)) as Reply['body']
  } catch (thrown) {
    throw new Error('its answer is no JSON, so it is none of a member', { cause: thrown })
  }
}
