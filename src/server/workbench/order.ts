import type { Choice, ChoiceParts } from '../../redrive/choose.ts'
import type { Letter } from '../../deadletter/readLetter.ts'
import type { Fix } from '../../redrive/fix.ts'
import { forecast } from '../../redrive/forecast.ts'
import type { SendOptions } from '../../redrive/send.ts'
import { chosenLetters, NoSuchLetter } from '../../redrive/choose.ts'
import { letterTopicsOf } from '../../topology/letterTopics.ts'
import type { Plan } from '../../topology/plan.ts'
import { groupsOf } from '../../topology/retryTopic.ts'
import type { RunningPipeline } from '../../topology/running.ts'
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
  return partsOf(workbench, wanted.pipeline === undefined ? await writerOf(workbench, wanted) : wanted)
}

/** Who wrote letters, and where they lie; as far as it is said. */
interface Writer {
  readonly pipeline?: string
  readonly topic?: string
}

/** The pipeline that wrote letters, or else the one that has their topic as a queue. @throws Problem 409 where it is none that is known here */
function partsOf({ parts }: Workbench, writer: Writer): ChoiceParts {
  const { pipelines, broker, ledger } = parts
  const own = ownOf(pipelines)
  const found = takerOf(own, writer)
  if (found) return { broker, ledger, plan: found.plan }
  if (own.length === 0) throw noConfig()
  const { pipeline } = writer
  const known = own.map(({ name }) => name).join(', ')
  if (pipeline === undefined) throw new Problem(409, `Say of which pipeline, as "pipeline": ${known}.`)
  throw new Problem(
    409,
    `The config of the pipeline ${pipeline} is not known here, only ${known}: give it to \`oxbow ui\`, or ask where it runs. If one of these was called so before, say so: "pipeline" and "formerly".`,
  )
}

/** A config that is known here, of whichever pipeline has the topic. @throws Problem 409 where none is */
export function planFor({ parts }: Workbench, topic: string): Plan {
  const own = ownOf(parts.pipelines)
  const found = own.find(({ plan }) => letterTopicsOf(plan).some((each) => each.topic === topic)) ?? own[0]
  if (!found) throw noConfig()
  return found.plan
}

/** The pipelines that could take letters whose own one is not known here; none where it is, or where none is. */
export function takersOf({ parts }: Workbench, writer: Writer): readonly string[] {
  const own = ownOf(parts.pipelines)
  return takerOf(own, writer) ? [] : own.map(({ name }) => name)
}

/** Those that letters can go back to: those of retries and monitors take none. */
const ownOf = (pipelines: readonly RunningPipeline[]): readonly RunningPipeline[] =>
  pipelines.filter(({ name }) => !name.endsWith('.monitor') && !name.endsWith('.retry'))

function takerOf(own: readonly RunningPipeline[], { pipeline, topic }: Writer): RunningPipeline | undefined {
  if (pipeline === undefined) return only(own)
  const readers = own.filter(({ plan }) =>
    letterTopicsOf(plan).some((each) => each.topic === topic && each.sources.length === 0),
  )
  return named(own, pipeline) ?? only(readers)
}

const noConfig = (): Problem =>
  new Problem(409, 'No config is known here: give it to `oxbow ui`, or ask where the pipeline runs.')

const only = <T>(all: readonly T[]): T | undefined => (all.length === 1 ? all[0] : undefined)

const named = (all: readonly RunningPipeline[], name: string): RunningPipeline | undefined =>
  all.find((each) => groupsOf(each.name).includes(name))

async function writerOf(workbench: Workbench, { ids, group, topic }: Wanted): Promise<Writer> {
  if (ids?.[0] !== undefined) return (await workbench.letter(ids[0])).letter
  if (group === undefined) return {}
  const isWatched = topic !== undefined && (await workbench.follow()).includes(topic)
  return workbench.group(group, isWatched ? topic : undefined)
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
export async function forecastOf(parts: ChoiceParts, { wanted, to, fix }: Order): Promise<Forecast> {
  const refusals = new Refusals()
  const onRefused = (_: Letter, why: string) => refusals.add(why)
  try {
    const options = { plan: parts.plan, to, now: Date.now, onRefused, ...(fix && { fix }) }
    const { sent } = await forecast(chosenLetters(parts, wanted), options)
    return { sent, refused: refusals.all }
  } catch (thrown) {
    throw asProblem(thrown)
  }
}

export const asProblem = (thrown: unknown): unknown =>
  thrown instanceof NoSuchLetter ? new Problem(409, `${capital(thrown.message)}.`) : thrown

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
