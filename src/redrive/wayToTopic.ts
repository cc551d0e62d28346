import { hopsOf, letterPrefix } from '../deadletter/letter.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import type { OutputRecord } from '../record/record.ts'
import { externalSources, type Plan } from '../topology/plan.ts'
import { homeIn } from './home.ts'
import { originalTopics, withoutRecord } from './originals.ts'

const hopsHeader = `${letterPrefix}hops`

/** What goes to another topic, or why nothing can. */
export type WayToTopic = { readonly output: OutputRecord } | { readonly refusal: string }

/** How the records of letters get to a topic outside of their pipeline. */
export class WaysToTopic {
  readonly #topic: string
  readonly #homeOf: ReturnType<typeof homeIn>
  readonly #originalTopics: ReadonlySet<string>
  /** That of letters which no source of the pipeline has. */
  readonly #mostHops: number

  constructor(plan: Plan, topic: string) {
    this.#topic = topic
    this.#homeOf = homeIn(plan)
    this.#originalTopics = originalTopics(plan, topic)
    this.#mostHops = Math.max(...externalSources(plan).map(({ deadLetters }) => deadLetters.maxHops))
  }

  of(letter: Letter): WayToTopic {
    if (letter.missing.includes('record')) return { refusal: withoutRecord(letter, this.#originalTopics) }
    const { maxHops } = this.#homeOf(letter)?.source.deadLetters ?? { maxHops: this.#mostHops }
    const refusal = tooOften(letter, maxHops)
    return refusal === undefined ? { output: recordFor(this.#topic, letter) } : { refusal }
  }
}

/** Why a letter stays where it is that was sent back as often as it may be; undefined of others. */
export function tooOften(letter: Letter, maxHops: number): string | undefined {
  const hops = timesSent(letter)
  if (hops < maxHops) return undefined
  return `it was sent back ${hops} times, the most that \`deadLetters.maxHops\` allows; raise it, or discard the letter`
}

/** Letters of others do not say it themselves: the record that failed has it from whoever sent it to its topic. */
const timesSent = ({ hops, record }: Letter): number => Math.max(hops, hopsOf(record.headers))

/** The source record for another topic, with how often it was sent back behind its headers. */
function recordFor(topic: string, letter: Letter): OutputRecord {
  const { key, value, headers, timestamp } = letter.record
  const others = headers.filter(([name]) => name !== hopsHeader)
  return {
    topic,
    key,
    value,
    headers: [...others, [hopsHeader, Buffer.from(String(timesSent(letter) + 1))]],
    timestamp,
  }
}
