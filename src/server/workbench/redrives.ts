import { randomUUID } from 'node:crypto'
import { asyncScheduler } from 'rxjs'
import type { KnownRedrive, RedriveOutcome } from '../../deadletter/ledger/audit.ts'
import { chosenLetters, type ChoiceParts } from '../../redrive/choose.ts'
import { sendLetters, type Sent } from '../../redrive/send.ts'
import type { CanaryResult } from '../../redrive/canary.ts'
import { Problem } from '../problem.ts'
import type { User } from '../security/users.ts'
import { asProblem, checkOrder, partsFor, Refusals, type Order, type Refusal } from './order.ts'
import type { Workbench } from './workbench.ts'

/**
 * `paused` can go on, `stopped` cannot; `ended` early where those that went first did not all pass; `failed` where it could
 * not go on; `elsewhere` is known by the ledger alone: the command line sent it, or this process before it was started anew.
 */
export const redriveStates = ['running', 'paused', 'stopped', 'done', 'ended', 'failed', 'elsewhere'] as const
export type RedriveState = (typeof redriveStates)[number]

/** How a redrive does. */
export interface Progress {
  readonly id: string
  readonly state: RedriveState
  /** What is known of it where it was started here. */
  readonly started?: {
    readonly pipeline: string
    readonly by: string
    readonly why: string
    /** Milliseconds since the epoch. */
    readonly at: number
    /** What was asked for, in words. */
    readonly what: string
    readonly refused: readonly Refusal[]
    readonly canary?: CanaryResult
    /** Why it failed. */
    readonly problem?: string
  }
  readonly outcome: RedriveOutcome
}

/** So many are remembered, and so many may run at once. */
const [mostRemembered, mostRunning] = [200, 8]
/** So many of others are told of. */
const mostElsewhere = 50

/** The redrives that were started here. */
export class Redrives {
  readonly #workbench: Workbench
  readonly #all = new Map<string, Redrive>()

  constructor(workbench: Workbench) {
    this.#workbench = workbench
  }

  /** @returns the id of the redrive, which runs from now on @throws Problem */
  async start(user: User, order: Order): Promise<string> {
    checkOrder(user, order)
    const parts = await partsFor(this.#workbench, order.wanted)
    if ([...this.#all.values()].filter(({ state }) => state === 'running').length >= mostRunning)
      throw new Problem(503, `${mostRunning} redrives run already: wait for one of them.`, { 'retry-after': '10' })
    const redrive = new Redrive(parts, order, user)
    await redrive.check()
    this.#all.set(redrive.id, redrive)
    const oldest = [...this.#all].find(([, { state }]) => state !== 'running' && state !== 'paused')
    if (this.#all.size > mostRemembered && oldest) this.#all.delete(oldest[0])
    this.#log(user, redrive, 'started')
    redrive.go((error) => this.#failed(redrive, error))
    return redrive.id
  }

  /** The latest first. */
  async list(): Promise<readonly Progress[]> {
    await this.#workbench.follow()
    return [...this.#all.values()].toReversed().map((redrive) => this.#progressOf(redrive))
  }

  /** Those that this process did not start, as far as the ledger knows them, the latest first. */
  async elsewhere(): Promise<readonly KnownRedrive[]> {
    await this.#workbench.follow()
    const known = this.#workbench.parts.ledger.redrives(mostElsewhere + this.#all.size)
    return known.filter(({ name }) => !this.#all.has(name)).slice(0, mostElsewhere)
  }

  /** @throws Problem 404 */
  async find(id: string): Promise<Progress> {
    await this.#workbench.follow()
    const own = this.#all.get(id)
    if (own) return this.#progressOf(own)
    const outcome = this.#workbench.parts.ledger.redrive(id)
    if (outcome.sent > 0) return { id, state: 'elsewhere', outcome }
    throw new Problem(404, `There is no redrive ${id}.`)
  }

  /** @throws Problem 404, 409 where it does not run */
  pause(id: string, user: User): void {
    const redrive = this.#own(id)
    if (redrive.state !== 'running') throw new Problem(409, `It is ${redrive.state}: there is nothing to pause.`)
    this.#log(user, redrive, 'paused')
    redrive.halt('paused')
  }

  /** @throws Problem 404, 409 where it is not paused */
  async resume(id: string, user: User): Promise<void> {
    const redrive = this.#own(id)
    if (redrive.state !== 'paused') throw new Problem(409, `It is ${redrive.state}, not paused.`)
    await redrive.settled
    this.#log(user, redrive, 'resumed')
    redrive.go((error) => this.#failed(redrive, error))
  }

  /** @throws Problem 404, 409 where it is over */
  stop(id: string, user: User): void {
    const redrive = this.#own(id)
    if (redrive.state !== 'running' && redrive.state !== 'paused')
      throw new Problem(409, `It is ${redrive.state}: there is nothing to stop.`)
    this.#log(user, redrive, 'stopped')
    redrive.halt('stopped')
  }

  /** Has all of them stop: what was not sent is open still. */
  async close(): Promise<void> {
    const running = [...this.#all.values()].filter(({ state }) => state === 'running')
    for (const redrive of running) redrive.halt('stopped')
    await Promise.all(running.map(({ settled }) => settled))
  }

  #own(id: string): Redrive {
    const found = this.#all.get(id)
    if (found) return found
    throw new Problem(404, `There is no redrive ${id} that was started here.`)
  }

  #progressOf(redrive: Redrive): Progress {
    return { ...redrive.progress, outcome: this.#workbench.parts.ledger.redrive(redrive.id) }
  }

  #log({ name }: User, { id, what }: Redrive, did: string): void {
    this.#workbench.parts.log.info({ user: name, redrive: id }, `${name} ${did} the redrive ${id}: ${what}.`)
  }

  #failed({ id }: Redrive, error: Error): void {
    this.#workbench.parts.log.error({ redrive: id, error }, `The redrive ${id} could not go on: ${error.message}`)
  }
}

class Redrive {
  readonly id = randomUUID()
  readonly what: string
  state: RedriveState = 'running'
  settled: Promise<void> = Promise.resolve()
  readonly #parts: ChoiceParts
  readonly #order: Order
  readonly #user: User
  readonly #at = Date.now()
  #refusals = new Refusals()
  /** Those that were named and have gone. */
  readonly #gone = new Set<string>()
  #canary: CanaryResult | undefined
  #problem: string | undefined
  #stop = new AbortController()

  constructor(parts: ChoiceParts, order: Order, user: User) {
    this.#parts = parts
    this.#order = order
    this.#user = user
    this.what = inWords(order)
  }

  get progress(): Omit<Progress, 'outcome'> {
    const { why } = this.#order
    return {
      id: this.id,
      state: this.state,
      started: {
        ...{ pipeline: this.#parts.plan.name, by: this.#user.name, why, at: this.#at, what: this.what },
        refused: this.#refusals.all,
        ...(this.#canary && { canary: this.#canary }),
        ...(this.#problem !== undefined && { problem: this.#problem }),
      },
    }
  }

  /** @throws Problem 409 where letters were named that are not open */
  async check(): Promise<void> {
    if (!this.#order.wanted.ids) return
    try {
      for await (const _ of chosenLetters(this.#parts, this.#order.wanted)) return
    } catch (thrown) {
      throw asProblem(thrown)
    }
  }

  go(onFailure: (error: Error) => void): void {
    this.state = 'running'
    this.#refusals = new Refusals()
    this.#stop = new AbortController()
    this.settled = this.#send().catch((thrown: unknown) => {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      this.state = 'failed'
      this.#problem = error.message
      onFailure(error)
    })
  }

  halt(state: 'paused' | 'stopped'): void {
    this.state = state
    this.#stop.abort()
  }

  async #send(): Promise<void> {
    const { wanted, canary, to, why, fix, rate } = this.#order
    const ids = wanted.ids?.filter((id) => !this.#gone.has(id))
    const letters = chosenLetters(this.#parts, ids ? { ...wanted, ids } : wanted)
    const sent = await sendLetters(letters, {
      ...this.#parts,
      ...{ to, why, scheduler: asyncScheduler, signal: this.#stop.signal, redrive: this.id, by: this.#user.name },
      ...(fix && { fix }),
      ...(rate !== undefined && { rate }),
      ...(canary !== undefined && !this.#canary && { canary }),
      onSent: ({ id }) => void (wanted.ids && this.#gone.add(id)),
      onRefused: (_, reason) => this.#refusals.add(reason),
    })
    this.#end(sent)
  }

  #end({ canary }: Sent): void {
    if (this.#stop.signal.aborted) return
    if (canary) this.#canary = canary
    this.state = canary && canary.passed < canary.sent ? 'ended' : 'done'
  }
}

function inWords({ wanted, to, fix, rate, canary }: Order): string {
  const { ids, group, key, source, topic, formerly } = wanted
  const which = [
    ids && (ids.length === 1 ? `the letter ${ids[0]}` : `${ids.length} letters`),
    group !== undefined && `the group ${group}`,
    wanted.where && `those where ${wanted.where.text}`,
    key !== undefined && `those with the key ${key}`,
    source !== undefined && `those of ${source}`,
    topic !== undefined && `those on ${topic}`,
    formerly !== undefined && `those of ${formerly} too`,
  ].filter((each) => typeof each === 'string')
  const how = [
    `to ${typeof to === 'object' ? to.topic : to === 'source' ? 'the source' : 'what failed'}`,
    fix && 'changed',
    rate !== undefined && `${rate} a second`,
    canary !== undefined && `${canary} first`,
  ].filter((each) => typeof each === 'string')
  return `${which.join(' and ') || 'all open letters'} ${how.join(', ')}`
}
