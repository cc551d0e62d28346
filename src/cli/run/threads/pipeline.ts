import { setTimeout } from 'node:timers/promises'
import type { Broker } from '../../../broker/broker.ts'
import { conservationOf, countsOf, type Conservation } from '../../../topology/conservation.ts'
import { sumOfMeters } from '../../../topology/meter.ts'
import type { Plan } from '../../../topology/plan.ts'
import { prepareTopics } from '../../../topology/prepareTopics.ts'
import type { PipelineStatus, RunningPipeline, ThreadLag } from '../../../topology/running.ts'
import { joined, type StoreAnswer, type StoreQuery } from '../../../topology/stores.ts'
import type { Answers } from './messages.ts'
import type { ThreadPlace } from './place.ts'
import { workOfOthers } from './others.ts'
import { ThreadDied } from './worker.ts'

export interface ThreadedPipelineParts {
  readonly plan: Plan
  /** Which of the pipelines of each thread it is. */
  readonly number: number
  readonly threads: readonly ThreadPlace[]
  readonly broker: Broker
  /** Whether the counts are exact: not at least once, after a crash. */
  readonly exact: boolean
}

/** Milliseconds between two looks at threads that are not of one mind yet. */
const lookAgain = 100

/** A pipeline in several worker threads, each a member of its consumer group. */
export class ThreadedPipeline implements RunningPipeline {
  readonly #parts: ThreadedPipelineParts
  #stopping = false

  constructor(parts: ThreadedPipelineParts) {
    this.#parts = parts
  }

  get plan(): Plan {
    return this.#parts.plan
  }

  get name(): string {
    return this.#parts.plan.name
  }

  async status(): Promise<PipelineStatus> {
    const { threads, number } = this.#parts
    const all = await Promise.all(threads.map((thread) => thread.status(number)))
    return {
      started: all.some(({ started }) => started),
      troubles: all.flatMap(({ troubles }) => troubles),
      meter: sumOfMeters(all.map(({ meter }) => meter)),
      shares: all.flatMap(({ shares }) => shares),
    }
  }

  async lag(): Promise<readonly ThreadLag[]> {
    const { threads, number } = this.#parts
    return (await Promise.all(threads.map((thread) => thread.lag(number)))).flat()
  }

  async stores(query: StoreQuery): Promise<StoreAnswer> {
    const { threads, number } = this.#parts
    const answers = await Promise.all(threads.map((thread) => thread.stores(number, query)))
    return joined(
      answers.filter((answer) => answer !== undefined),
      query,
    )
  }

  async conservation(): Promise<readonly Conservation[]> {
    return conservationOf(this.plan, await countsOf(this.#parts.broker, this.name))
  }

  async start(): Promise<void> {
    const { threads, number, broker } = this.#parts
    await prepareTopics(broker, this.plan.topics)
    // All are loaded first: who joins later takes partitions from the others, and what they have in work is abandoned.
    await Promise.all(threads.map((thread) => thread.ask('status', number)))
    await Promise.all(threads.map((thread) => thread.start(number)))
  }

  /** Quiet is what two looks at all threads found quiet, with the same partitions and nothing done between. */
  async quiet({ settled = false }: { readonly settled?: boolean } = {}): Promise<void> {
    let before: string | undefined
    while (!this.#stopping && this.#living.length > 0) {
      await this.#ask('quiet', settled)
      const now = await this.#look(settled)
      if (now !== undefined && now === before) return
      before = now
      if (now === undefined) await setTimeout(lookAgain)
    }
  }

  async flush(): Promise<void> {
    await this.#ask('flush')
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#ask('stop')
  }

  get #living(): readonly ThreadPlace[] {
    return this.#parts.threads.filter(({ failure }) => !failure)
  }

  /** What each thread answers; one that dies meanwhile is told of where it dies. */
  async #ask<Call extends keyof Answers>(call: Call, settled?: boolean): Promise<Answers[Call][]> {
    const asked = this.#living.map((thread) => thread.ask(call, this.#parts.number, settled))
    const answers: Answers[Call][] = []
    for (const answer of await Promise.allSettled(asked)) {
      if (answer.status === 'fulfilled') answers.push(answer.value)
      else if (!(answer.reason instanceof ThreadDied)) throw answer.reason
    }
    return answers
  }

  /** What is so now; undefined while a rebalance is under way, or there is work where nobody here sees to it. */
  async #look(settled: boolean): Promise<string | undefined> {
    const { shares, meter, troubles } = await this.status()
    const done = [meter.commits, ...meter.appended.values()].join()
    if (shares.some(({ reads }) => !reads)) return done
    const terms = new Set(shares.map(({ member }) => member?.generation))
    if (shares.length < this.#living.length || terms.size > 1 || terms.has(undefined)) return undefined
    const { broker, exact } = this.#parts
    const others = await workOfOthers(this.plan, await this.lag(), broker, exact)
    // What a task that stopped has under way stays so.
    if (others.unread || (settled && others.inFlight && troubles.length === 0)) return undefined
    return `${[...terms].join()} ${done}`
  }
}
