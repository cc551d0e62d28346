import { createHash } from 'node:crypto'
import type { Json, Log } from '../../component/context.ts'
import type { Fetcher } from '../../component/fetch.ts'
import { HttpStatusFault } from '../../component/httpFault.ts'
import type { Connector, SourceRecord } from '../../component/source.ts'
import { PriceUnreadableFault } from './fault.ts'
import { hoursIn, type Progress } from './history.ts'
import { keyOf, type Markets, type Outcome } from './markets.ts'

export interface PricesOptions {
  readonly baseUrl: string
  /** Minutes between the points asked for. */
  readonly fidelity: number
  /** Milliseconds between rounds. */
  readonly every: number
  readonly markets: Markets
  readonly fetcher: Fetcher
  readonly log: Log
  now(): number
}

/** By token, so that markets can come and go in the config. */
type PricesCursor = { readonly [token: string]: OutcomeCursor }
type OutcomeCursor = {
  readonly progress?: Progress
  /** Digest of an answer that could not be read: the same one again is no news. */
  readonly unread?: string
}

type Read = { readonly records: readonly SourceRecord[]; readonly cursor: OutcomeCursor }

/** Records of one poll, give or take an answer. */
const maxRecords = 5_000
const requestsAtOnce = 4
/** Seconds that can be asked for from one time to another; further back there is the whole history alone. */
const longestInterval = 7 * 86_400
/** Milliseconds until a round is repeated in which an outcome failed. */
const retryAfter = 60_000

/** Polls the price history of each outcome in turn; one that fails leaves the others alone. */
export function pollPrices(options: PricesOptions): Connector {
  const { markets, log, every } = options
  const silent = new Set<string>()
  let round: Outcome[] = []
  let failures: Error[] = []
  let answered = 0

  async function read(outcome: Outcome, cursor: OutcomeCursor = {}, signal: AbortSignal): Promise<Read | undefined> {
    try {
      const body = await fetchHistory(options, outcome, cursor.progress, signal)
      return hours(body, outcome, cursor)
    } catch (thrown) {
      signal.throwIfAborted()
      failures.push(thrown as Error)
      log.warn({ ...outcome, error: (thrown as Error).message }, 'prices were not read; the other markets go on')
      return undefined
    }
  }

  function hours(body: Buffer, outcome: Outcome, cursor: OutcomeCursor): Read {
    try {
      const { records, progress, empty } = hoursIn(body, outcome, cursor.progress, options.now())
      warnOfSilence(outcome, empty && !progress)
      return { records, cursor: progress ? { progress } : {} }
    } catch (fault) {
      if (!(fault instanceof PriceUnreadableFault)) throw fault
      log.warn({ ...outcome, error: fault.message }, 'the answer was unreadable and becomes a dead letter')
      const unread = createHash('sha1').update(body).digest('base64')
      const records = cursor.unread === unread ? [] : [{ key: keyOf(outcome), value: body, fault }]
      return { records, cursor: { ...cursor, unread } }
    }
  }

  function warnOfSilence(outcome: Outcome, none: boolean): void {
    if (!none) return void silent.delete(outcome.token)
    if (!silent.has(outcome.token)) {
      log.warn({ ...outcome }, 'there are no prices; a resolved market has none below a fidelity of 720 minutes')
    }
    silent.add(outcome.token)
  }

  return {
    async poll(cursor, signal) {
      if (round.length === 0) {
        failures = []
        answered = 0
        round = [...(await markets.outcomes(signal))]
      }
      const cursors: { [token: string]: OutcomeCursor } = { ...(cursor as PricesCursor | undefined) }
      const records: SourceRecord[] = []
      while (round.length > 0 && records.length < maxRecords) {
        const some = round.splice(0, requestsAtOnce)
        const answers = await Promise.all(some.map((outcome) => read(outcome, cursors[outcome.token], signal)))
        for (const [i, answer] of answers.entries()) {
          if (!answer) continue
          answered++
          records.push(...answer.records)
          cursors[some[i]!.token] = answer.cursor
        }
      }
      if (round.length === 0 && answered === 0) {
        throw new Error(`No prices could be read: ${failures[0]!.message}`, { cause: failures[0] })
      }
      const wait = failures.length > 0 ? Math.min(every, retryAfter) : every
      return { records, cursor: cursors satisfies Json, ...(round.length === 0 && { wait }) }
    },
  }
}

async function fetchHistory(
  { baseUrl, fidelity, fetcher, now }: PricesOptions,
  { token }: Outcome,
  progress: Progress | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  const seconds = Math.floor(now() / 1_000)
  const query = new URLSearchParams({ market: token, fidelity: `${fidelity}` })
  if (progress && seconds - progress.hour <= longestInterval) {
    query.set('startTs', `${progress.hour}`)
    query.set('endTs', `${seconds}`)
  } else {
    query.set('interval', 'max')
  }
  const url = `${baseUrl}/prices-history?${query}`
  const { status, body } = await fetcher.fetch(url, { headers: { accept: 'application/json' }, signal })
  if (status !== 200) throw new HttpStatusFault(status, fetcher.show(url))
  return body
}
