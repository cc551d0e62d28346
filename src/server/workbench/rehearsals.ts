import type { Letter } from '../../deadletter/readLetter.ts'
import { createLog } from '../../monitor/log.ts'
import { chosenLetters, type ChoiceParts } from '../../redrive/choose.ts'
import { RehearsalReport, type RehearsedGroup } from '../../redrive/rehearsalReport.ts'
import { rehearse } from '../../redrive/rehearse.ts'
import { Problem } from '../problem.ts'
import type { User } from '../security/users.ts'
import { asProblem, checkOrder, partsFor, type Order } from './order.ts'
import type { Workbench } from './workbench.ts'

/** What somebody wants to have rehearsed. */
export interface RehearsalOrder extends Pick<Order, 'wanted' | 'fix'> {
  readonly to: 'operator' | 'source'
  /** Whether operators start with what they keep now, or with nothing. */
  readonly state: boolean
}

/** What would become of letters. */
export interface Rehearsal {
  readonly pipeline: string
  /** Of the config that they were rehearsed with. */
  readonly revision: string
  readonly letters: number
  /** Whether these are all that were chosen, or only the first. */
  readonly whole: boolean
  readonly groups: readonly RehearsedGroup[]
}

/** So many letters are rehearsed at most, and so many bytes of them. */
export const mostLetters = 1_000
const mostBytes = 33_554_432
/** So long a rehearsal may take, in milliseconds. */
const longest = 30_000

/** Rehearses with the configs that are known here: one at a time, as it takes the time of what runs here. */
export class Rehearsals {
  readonly #workbench: Workbench
  #running: { readonly stop: AbortController; readonly over: Promise<unknown> } | undefined

  constructor(workbench: Workbench) {
    this.#workbench = workbench
  }

  /** Tries letters on the config of their pipeline. Nothing is changed. @throws Problem */
  async rehearse(user: User, order: RehearsalOrder): Promise<Rehearsal> {
    checkOrder(user, order)
    const parts = await partsFor(this.#workbench, order.wanted)
    if (this.#running)
      throw new Problem(503, 'Another rehearsal is under way: wait for its end.', { 'retry-after': '10' })
    const stop = new AbortController()
    const work = rehearsed(parts, order, AbortSignal.any([stop.signal, AbortSignal.timeout(longest)]))
    this.#running = { stop, over: Promise.allSettled([work]) }
    try {
      const told = await work
      const { name } = user
      this.#workbench.parts.log.info(
        { user: name, pipeline: told.pipeline, letters: told.letters },
        `${name} rehearsed ${told.letters} letters of ${told.pipeline}; nothing was changed.`,
      )
      return told
    } finally {
      this.#running = undefined
    }
  }

  /** Ends the one that is under way. */
  async close(): Promise<void> {
    this.#running?.stop.abort()
    await this.#running?.over
  }
}

async function rehearsed(parts: ChoiceParts, order: RehearsalOrder, signal: AbortSignal): Promise<Rehearsal> {
  const { wanted, to, fix, state } = order
  const { plan, broker } = parts
  const report = new RehearsalReport()
  const chosen = new First(chosenLetters(parts, wanted))
  const options = { plan, broker, to, state, now: Date.now(), log: createLog({ level: 'silent' }), signal }
  try {
    for await (const each of rehearse(chosen.letters(), { ...options, ...(fix && { fix }) })) report.add(each)
  } catch (thrown) {
    throw isUnusable(thrown) ? new Problem(409, `${thrown.message} ${orWithout}`) : asProblem(thrown)
  }
  if (signal.aborted) throw new Problem(503, tooLong)
  const { count, whole } = chosen
  return { pipeline: plan.name, revision: plan.revision, letters: count, whole, groups: report.groups }
}

const isUnusable = (thrown: unknown): thrown is Error => thrown instanceof Error && thrown.name === 'StateUnusable'
const orWithout = 'Or rehearse without it: "state": false by the API, `oxbow dlq rehearse --no-state`.'
const tooLong = `The rehearsal was ended before it was done, after ${longest / 1_000} s at most: choose fewer letters, or use \`oxbow dlq rehearse\`. Nothing was changed.`

/** The first of many letters. */
class First {
  count = 0
  whole = true
  readonly #all: AsyncIterable<Letter>

  constructor(all: AsyncIterable<Letter>) {
    this.#all = all
  }

  async *letters(): AsyncGenerator<Letter> {
    let bytes = 0
    for await (const letter of this.#all) {
      bytes += letter.record.value?.length ?? 0
      this.whole = this.count < mostLetters && (bytes <= mostBytes || this.count === 0)
      if (!this.whole) return
      this.count++
      yield letter
    }
  }
}
