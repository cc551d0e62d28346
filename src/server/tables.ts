import type { Broker } from '../broker/broker.ts'
import { globalTablesOf } from '../topology/plan.ts'
import type { RunningPipeline } from '../topology/running.ts'
import type { EntryQuery, StoreEntry } from '../topology/stores.ts'
import { json, type Answer } from './answer.ts'

/** Entries of one answer, unless it asks for fewer, and the most that it may ask for. */
const [usual, most] = [100, 1_000]
/** An answer ends after so many bytes of entries; one entry is always in it. */
const mostBytes = 4_194_304

/** Whether a path is one of the tables'. */
export const isTables = (path: string): boolean => /^\/tables(\/|$)/.test(path)

/** The request is wrong; the message says what would be right. */
class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Answers for the state of this process's partitions: `/tables` lists stores, `/tables/STORE` entries, page by page
 * (`limit`, and `partition` and `after` of the page before as `next` says), `/tables/STORE/KEY` has one entry.
 */
export async function answerTables(
  url: string,
  pipelines: readonly RunningPipeline[],
  broker: Broker,
): Promise<Answer> {
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
    if (store === undefined || store === '') return json(200, await listStores(wanted, options.internal))
    const pipeline = ownerOf(store, wanted)
    if (key === undefined) return json(200, await page(pipeline, { ...options, store }))
    return await entry(pipeline, store, key, broker)
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

async function listStores(pipelines: readonly RunningPipeline[], internal: boolean) {
  const told = pipelines.map(async (pipeline) => {
    const { stores } = await pipeline.stores({ internal })
    return stores.map((part) => ({ pipeline: pipeline.name, ...part }))
  })
  return (await Promise.all(told)).flat()
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

async function page(pipeline: RunningPipeline, query: EntryQuery) {
  const { store, limit } = query
  const { entries, partitions } = await pipeline.stores({ ...query, limit: limit + 1 })
  const shown = fitting(entries.slice(0, limit))
  const last = shown.at(-1)
  const next = shown.length < entries.length && last ? { partition: last.partition, after: last.key } : null
  return { pipeline: pipeline.name, store, partitions, entries: shown.map(withoutStore), next }
}

function fitting(entries: readonly StoreEntry[]): readonly StoreEntry[] {
  let bytes = 0
  const end = entries.findIndex((each, at) => (bytes += JSON.stringify(each).length) > mostBytes && at > 0)
  return end < 0 ? entries : entries.slice(0, end)
}

const withoutStore = ({ partition, key, value }: StoreEntry) => ({ partition, key, value })

/** One entry; where it may be with another member, who has which partitions. */
async function entry(pipeline: RunningPipeline, store: string, key: string, broker: Broker): Promise<Answer> {
  const { entries, partitions } = await pipeline.stores({ store, key, limit: 1 })
  const [found] = entries
  if (found) return json(200, { pipeline: pipeline.name, ...found })
  const own = new Set((await pipeline.status()).shares.flatMap(({ member }) => member?.id ?? []))
  const isElsewhere = own.size > 0 && !globalsIn(pipeline).includes(store)
  const others = isElsewhere ? (await broker.members(pipeline.name)).filter(({ id }) => !own.has(id)) : []
  if (others.length === 0) return json(404, { error: `${store} has no entry with this key.`, partitions })
  const elsewhere = others.map(({ id, clientId, host, partitions: each }) => ({
    member: id,
    clientId,
    host,
    partitions: [...new Set(each.map(({ partition }) => partition))],
  }))
  return json(421, {
    error: `${store} has no entry with this key here; ask those who have the other partitions.`,
    partitions,
    elsewhere,
  })
}

const namesOf = (pipelines: readonly RunningPipeline[]): string => pipelines.map(({ name }) => name).join(', ')
