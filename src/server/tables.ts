import type { IncomingMessage } from 'node:http'
import type { Broker } from '../broker/broker.ts'
import { globalTablesOf } from '../topology/plan.ts'
import type { RunningPipeline } from '../topology/running.ts'
import type { EntryQuery, StoreEntry } from '../topology/stores.ts'
import { compareKeys } from '../component/state.ts'
import { json, type Answer } from './answer.ts'
import { askOthers, hopHeader, partitionsIn, problemOf, type Asking } from './others.ts'

/** Entries of one answer, unless it asks for fewer, and the most that it may ask for. */
const [usual, most] = [100, 1_000]
/** An answer ends after so many bytes of entries; one entry is always in it. */
const mostBytes = 4_194_304

/** The request is wrong; the message says what would be right. */
class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Answers for the state of pipelines: `/tables` lists stores, `/tables/STORE` entries, page by page (`limit`, and
 * `partition` and `after` of the page before as `next` says), `/tables/STORE/KEY` has one entry. What this process does
 * not have, other members of the group are asked for, unless it is one of them that asks.
 * @param memberToken what members say to each other where nobody is answered who has no token
 */
export async function answerTables(
  { url = '/', headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  pipelines: readonly RunningPipeline[],
  broker: Broker,
  memberToken?: string,
): Promise<Answer> {
  const others = headers[hopHeader] === undefined ? { broker, memberToken } : undefined
  try {
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    const [, , store, key, ...rest] = pathname.split('/').map(decoded)
    if (rest.length > 0)
      throw new Refused(404, 'There is /tables, /tables/STORE and /tables/STORE/KEY; a / in a name is %2F.')
    const options = optionsIn(searchParams)
    const wanted =
      options.pipeline === undefined ? pipelines : pipelines.filter(({ name }) => name === options.pipeline)
    if (wanted.length === 0)
      throw new Refused(404, `There is no pipeline ${options.pipeline} here, only ${namesOf(pipelines)}.`)
    if (store === undefined || store === '') return await listStores(wanted, options.internal, others)
    const pipeline = ownerOf(store, wanted)
    if (key === undefined) return await page(pipeline, { ...options, store }, others)
    return await entry(pipeline, { ...options, store, key, limit: 1 }, others)
  } catch (thrown) {
    if (thrown instanceof Refused) return json(thrown.status, { error: thrown.message })
    throw thrown
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (thrown) {
    if (thrown instanceof URIError) throw new Refused(400, `${part} is no text with %-escapes of UTF-8.`)
    throw thrown
  }
}

function optionsIn(given: URLSearchParams) {
  const whole = (name: string, least: number, greatest: number): number | undefined => {
    const value = given.get(name)
    if (value === null) return undefined
    if (/^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= greatest) return Number(value)
    throw new Refused(400, `"${name}" is to be a whole number from ${least} to ${greatest}.`)
  }
  const [pipeline, after] = [given.get('pipeline'), given.get('after')]
  const partition = whole('partition', 0, 999_999_999)
  if (after !== null && partition === undefined)
    throw new Refused(400, '"after" needs "partition": the place that "next" names.')
  return {
    ...(pipeline !== null && { pipeline }),
    internal: given.get('internal') === 'true',
    limit: whole('limit', 1, most) ?? usual,
    // With a key it is a place to go on from, alone the one partition that is wanted.
    ...(after !== null ? { after: { partition: partition!, key: after } } : partition !== undefined && { partition }),
  }
}

/** Those of all members; of one that a member asks for, with the partitions that they are of. */
async function listStores(
  pipelines: readonly RunningPipeline[],
  internal: boolean,
  others: Asking | undefined,
): Promise<Answer> {
  const listed: unknown[] = []
  for (const pipeline of pipelines) {
    const { stores, partitions } = await pipeline.stores({ internal })
    const own = stores.map((part) => ({ pipeline: pipeline.name, ...part }))
    if (!others) return json(200, { stores: own, partitions })
    const path = pathTo({ pipeline: pipeline.name, internal })
    const asked = await askOthers(others, { group: pipeline.name, own: partitions, path })
    const problem = problemOf({ ...asked, unnamed: [] }, `Not all stores of ${pipeline.name} are`, partitions)
    if (problem) return problem
    const elsewhere = asked.replies.flatMap(({ body }) => body['stores'] as typeof own)
    const parts = [...own, ...elsewhere.filter((part) => !part.global)]
    listed.push(...parts.toSorted((a, b) => compareKeys(a.store, b.store) || a.partition - b.partition))
  }
  return json(200, listed)
}

/** The pipeline that a store belongs to, by its plan. */
function ownerOf(store: string, pipelines: readonly RunningPipeline[]): RunningPipeline {
  const isInternal = store.startsWith('$')
  const owners = isInternal ? pipelines : pipelines.filter((pipeline) => storesIn(pipeline).includes(store))
  if (owners.length === 1) return owners[0]!
  if (owners.length > 1) throw new Refused(400, `${namesOf(owners)} have ${store}: say ?pipeline=NAME.`)
  throw new Refused(
    404,
    `There is no store ${store}; operators and tables are ${pipelines.flatMap(storesIn).join(', ')}.`,
  )
}

const storesIn = ({ plan }: RunningPipeline): string[] =>
  plan.subtopologies
    .flatMap(({ streams }) => streams)
    .flatMap(({ steps, sinks }) => [
      ...steps.map(({ id }) => id),
      ...sinks.flatMap(({ table, global }) => table ?? global ?? []),
    ])

const globalsIn = ({ plan }: RunningPipeline): string[] =>
  plan.subtopologies.flatMap(({ streams }) => globalTablesOf(streams))

/** Of the partitions of this process; of one that another member has, from there. */
async function page(pipeline: RunningPipeline, query: EntryQuery, others: Asking | undefined): Promise<Answer> {
  const { store, limit, after, partition = after?.partition } = query
  const { entries, partitions } = await pipeline.stores({ ...query, limit: limit + 1 })
  const isHere = partition === undefined || partitions.includes(partition) || globalsIn(pipeline).includes(store)
  if (others && !isHere) {
    const path = pathTo({ ...query, pipeline: pipeline.name })
    const asked = await askOthers(others, { group: pipeline.name, own: partitions, partition, path })
    const [reply] = asked.replies
    const answer = reply
      ? json(200, reply.body)
      : problemOf(asked, `${store} has no partition ${partition}`, partitions)
    if (answer) return answer
  }
  const shown = fitting(entries.slice(0, limit))
  const last = shown.at(-1)
  const next = shown.length < entries.length && last ? { partition: last.partition, after: last.key } : null
  return json(200, { pipeline: pipeline.name, store, partitions, entries: shown.map(withoutStore), next })
}

function fitting(entries: readonly StoreEntry[]): readonly StoreEntry[] {
  let bytes = 0
  const end = entries.findIndex((each, at) => (bytes += JSON.stringify(each).length) > mostBytes && at > 0)
  return end < 0 ? entries : entries.slice(0, end)
}

const withoutStore = ({ partition, key, value }: StoreEntry) => ({ partition, key, value })

/** One entry, of whoever has it. */
async function entry(
  pipeline: RunningPipeline,
  query: EntryQuery & { readonly key: string },
  others: Asking | undefined,
): Promise<Answer> {
  const { entries, partitions } = await pipeline.stores(query)
  const [found] = entries
  if (found) return json(200, { pipeline: pipeline.name, ...found })
  const none = `${query.store} has no entry with this key`
  if (globalsIn(pipeline).includes(query.store)) return json(404, { error: `${none}.`, partitions })
  if (!others) return json(404, { error: `${none} here.`, partitions })
  const path = pathTo({ ...query, pipeline: pipeline.name })
  const asked = await askOthers(others, { ...query, group: pipeline.name, own: partitions, path })
  const elsewhere = asked.replies.find(({ status }) => status === 200)
  if (elsewhere) return json(200, elsewhere.body)
  const all = [...partitions, ...asked.replies.flatMap(partitionsIn)].toSorted((a, b) => a - b)
  return problemOf(asked, none, all) ?? json(404, { error: `${none}.`, partitions: all })
}

interface PathParts extends Partial<EntryQuery> {
  readonly pipeline: string
  readonly internal?: boolean
}

/** The path of a question to another member. */
function pathTo({ store, key, pipeline, partition, after, limit, internal }: PathParts): string {
  const names = [store, key].flatMap((name) => (name === undefined ? [] : [`/${encodeURIComponent(name)}`]))
  const options = new URLSearchParams({ pipeline })
  const place = after?.partition ?? partition
  if (place !== undefined) options.set('partition', String(place))
  if (after) options.set('after', after.key)
  if (limit !== undefined) options.set('limit', String(limit))
  if (internal === true) options.set('internal', 'true')
  return `/tables${names.join('')}?${options.toString()}`
}

const namesOf = (pipelines: readonly RunningPipeline[]): string => pipelines.map(({ name }) => name).join(', ')
