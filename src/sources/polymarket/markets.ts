import type { Log } from '../../component/context.ts'
import type { Fetcher } from '../../component/fetch.ts'
import { HttpStatusFault } from '../../component/httpFault.ts'

/** One outcome of a market: what has a price. */
export interface Outcome {
  readonly slug: string
  readonly outcome: string
  /** Identifies it in the order book and in its price history. */
  readonly token: string
}

/** The key of an outcome's records. */
export const keyOf = ({ slug, outcome }: Outcome): Buffer => Buffer.from(`${slug}|${outcome}`)

/** A market in the config: by its slug, with all its outcomes, or one outcome of it. */
export type Market = string | Outcome

export interface Markets {
  /** The outcomes of the markets that could be found; the others are a WARN, once for each reason, and looked for again the next time. */
  outcomes(signal: AbortSignal): Promise<readonly Outcome[]>
}

/**
 * Finds the outcomes of markets by Gamma, the directory of markets; what was found once is kept.
 * @throws Error when none can be found
 */
export function findMarkets(markets: readonly Market[], gammaUrl: string, fetcher: Fetcher, log: Log): Markets {
  const found = new Map<Market, readonly Outcome[]>()
  /** What was said last of one that could not be found. */
  const said = new Map<Market, string>()

  const warn = (market: Market, { message }: Error): void => {
    if (said.get(market) === message) return
    said.set(market, message)
    log.warn({ market, error: message }, 'the market was not found; it is looked for again, and the others go on')
  }

  async function find(slug: string, signal: AbortSignal): Promise<readonly Outcome[]> {
    const url = `${gammaUrl}/markets?slug=${encodeURIComponent(slug)}`
    const { status, body } = await fetcher.fetch(url, { headers: { accept: 'application/json' }, signal })
    if (status !== 200) throw new HttpStatusFault(status, fetcher.show(url))
    return outcomesIn(body, slug)
  }

  return {
    async outcomes(signal) {
      const problems = new Map<Market, Error>()
      for (const market of markets) {
        if (found.has(market)) continue
        try {
          found.set(market, typeof market === 'string' ? await find(market, signal) : [market])
        } catch (thrown) {
          signal.throwIfAborted()
          problems.set(market, thrown as Error)
        }
      }
      if (found.size === 0) {
        const [cause] = problems.values()
        throw new Error(`No market was found: ${cause?.message}`, { cause })
      }
      for (const [market, problem] of problems) warn(market, problem)
      const outcomes = markets.flatMap((market) => found.get(market) ?? [])
      return [...new Map(outcomes.map((outcome) => [outcome.token, outcome])).values()]
    },
  }
}

function outcomesIn(body: Buffer, slug: string): readonly Outcome[] {
  const markets: unknown = JSON.parse(body.toString())
  if (!Array.isArray(markets)) throw new Error(`Gamma's answer for "${slug}" is no list of markets.`)
  const market = markets.find((each: unknown) => member(each, 'slug') === slug) as unknown
  if (!market) throw new Error(`Gamma knows no market with the slug "${slug}".`)
  const outcomes = list(market, 'outcomes', slug)
  const tokens = list(market, 'clobTokenIds', slug)
  if (outcomes.length === 0 || outcomes.length !== tokens.length) {
    throw new Error(`The market "${slug}" has ${outcomes.length} outcomes and ${tokens.length} tokens.`)
  }
  return outcomes.map((outcome, i) => ({ slug, outcome, token: tokens[i]! }))
}

/** A list of texts, which Gamma writes as JSON inside a string. */
function list(market: unknown, name: string, slug: string): readonly string[] {
  const written = member(market, name)
  const value: unknown = typeof written === 'string' ? JSON.parse(written) : written
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value
  throw new Error(`The market "${slug}" has no list of texts in "${name}".`)
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown })[name] : undefined
}
