import type { Choice, ChoiceParts } from '../../redrive/choose.ts'
import type { Fix } from '../../redrive/fix.ts'
import type { SendOptions } from '../../redrive/send.ts'
import { WaysBack } from '../../redrive/wayBack.ts'
import { chosenLetters, NoSuchLetter } from '../../redrive/choose.ts'
import { Problem } from '../problem.ts'
import { may, type User } from '../security/users.ts'
import type { Workbench } from './workbench.ts'

/** Which letters somebody means, and of which pipeline; its letters or its group say so where it is not named. */
export interface Wanted extends Choice {
  readonly pipeline?: string
}

/** What somebody wants to have sent back. */
export interface Order extends Pick<SendOptions, 'to' | 'rate' | 'canary' | 'why'> {
  readonly wanted: Wanted
  readonly fix?: Fix
}

/** Letters that stay where they are, by why. */
export interface Refusal {
  readonly why: string
  readonly letters: number
}

/** What an order would do. */
export interface Forecast {
  readonly sent: number
  readonly refused: readonly Refusal[]
}

/** @throws Problem 403 where more than sending back is asked for, 422 for what does not go together */
export function checkOrder(user: User, { to, fix, canary }: Pick<Order, 'to' | 'fix' | 'canary'>): void {
  if ((fix || typeof to === 'object') && !may(user, 'edit'))
    throw new Problem(
      403,
      `Sending what was changed, or to a topic, needs the role edit; ${user.name} has ${user.role}.`,
    )
  if (typeof to === 'object' && (fix || canary !== undefined))
    throw new Problem(
      422,
      `What goes to ${to.topic} goes as it is, and nobody says what becomes of it: leave out "fix" and "canary".`,
    )
}

/** The pipeline that letters go back to. @throws Problem 404, 409 where it is none that is known here */
export async function partsFor(workbench: Workbench, wanted: Wanted): Promise<ChoiceParts> {
  const { pipelines, broker, ledger } = workbench.parts
  const named = wanted.pipeline ?? (await pipelineOf(workbench, wanted))
  const own = pipelines.filter(({ name }) => !name.endsWith('.monitor') && !name.endsWith('.retry'))
  const [only] = own.length === 1 ? own : []
  const found = named === undefined ? only : own.find(({ name }) => name === named.replace(/\.retry$/, ''))
  if (found) return { broker, ledger, plan: found.plan }
  if (own.length === 0)
    throw new Problem(409, 'No config is known here: give it to `oxbow ui`, or ask where the pipeline runs.')
  const known = own.map(({ name }) => name).join(', ')
  if (named === undefined) throw new Problem(409, `Say of which pipeline, as "pipeline": ${known}.`)
  throw new Problem(
    409,
    `The config of the pipeline ${named} is not known here, only ${known}: give it to \`oxbow ui\`, or ask where it runs.`,
  )
}

async function pipelineOf(workbench: Workbench, { ids, group }: Wanted): Promise<string | undefined> {
  if (ids?.[0] !== undefined) return (await workbench.letter(ids[0])).letter.pipeline
  return group === undefined ? undefined : (await workbench.group(group)).pipeline
}

/** So many reasons are told apart. */
const mostReasons = 20

/** Counts letters by why they stay where they are. */
export class Refusals {
  readonly #byReason = new Map<string, number>()

  add(why: string): void {
    const reason = this.#byReason.has(why) || this.#byReason.size < mostReasons ? why : 'for other reasons'
    this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + 1)
  }

  get all(): readonly Refusal[] {
    return Array.from(this.#byReason, ([why, letters]) => ({ why, letters }))
  }
}

/** What would become of an order, without sending anything. @throws Problem */
export async function forecast(parts: ChoiceParts, { wanted, to, fix }: Order): Promise<Forecast> {
  const refusals = new Refusals()
  const ways =
    typeof to === 'object' ? undefined : new WaysBack({ plan: parts.plan, to, redrive: '', ...(fix && { fix }) })
  let sent = 0
  try {
    for await (const letter of chosenLetters(parts, wanted)) {
      const way = ways?.of(letter, Date.now())
      if (way && 'refusal' in way) refusals.add(way.refusal)
      else sent++
    }
  } catch (thrown) {
    throw asProblem(thrown)
  }
  return { sent, refused: refusals.all }
}

export const asProblem = (thrown: unknown): unknown =>
  thrown instanceof NoSuchLetter ? new Problem(409, `${capital(thrown.message)}.`) : thrown

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
