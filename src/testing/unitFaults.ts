import { BrokerError, type Broker, type Unit } from '../broker/broker.ts'
import type { Crash, Faults, Refusal, UnitCrash } from './faults.ts'

export type Guarantee = 'exactlyOnce' | 'atLeastOnce'

/** The broker as a process sees it until it dies. */
export interface MortalBroker {
  readonly broker: Broker
  /** Resolves when the process has died in the middle of a unit. */
  readonly crashed: Promise<void>
  /** Whether it lives. */
  readonly alive: () => boolean
}

/** Decides which units fail, and how far those come. It outlives crashes. */
export class UnitFaults {
  readonly #group: string
  readonly #guarantee: Guarantee
  readonly #refusals: (Refusal & { done: number })[]
  readonly #crashes: (UnitCrash & { seen: number })[]
  #repeats = 0

  /** @param group the pipeline whose units are counted */
  constructor({ refusals, crashes }: Faults, group: string, guarantee: Guarantee) {
    this.#group = group
    this.#guarantee = guarantee
    this.#refusals = refusals.map((refusal) => ({ ...refusal, done: 0 }))
    this.#crashes = crashes.map((crash) => ({ ...crash, seen: 0 }))
  }

  /** How many units wrote outputs and have to write them again: each may have left letters a second time. */
  get repeats(): number {
    return this.#repeats
  }

  /** Whether units may fail, after which tasks start again by themselves. */
  get any(): boolean {
    return this.#refusals.length + this.#crashes.length > 0
  }

  /** Faults that did not come about, a line each. */
  get missed(): string[] {
    return [
      ...this.#refusals
        .filter(({ done, times }) => done < times)
        .map(({ topic, times, done }) => `${topic} was to refuse ${times} units, and ${done} came`),
      ...this.#crashes
        .filter(({ seen, unit }) => seen < unit)
        .map(
          ({ seen, unit, topic }) =>
            `unit ${unit}${topic === undefined ? '' : ` of those that write to ${topic}`} was to end in a crash, and ${seen} came`,
        ),
    ]
  }

  /** What a process that starts now has of a broker. */
  mortal(broker: Broker): MortalBroker {
    const crashed = Promise.withResolvers<void>()
    let alive = true
    const commit = async (unit: Unit): Promise<void> => {
      if (!alive) throw new BrokerError('The process has crashed, as the test says.')
      const refused = this.#refused(unit)
      if (refused !== undefined) return this.#refuse(broker, unit, refused)
      const moment = this.#crashOf(unit)
      if (moment === undefined) return broker.commit(unit)
      alive = false
      await this.#write(broker, unit, moment)
      crashed.resolve()
      throw new BrokerError('The process crashed, as the test says.')
    }
    return { broker: { ...broker, commit }, crashed: crashed.promise, alive: () => alive }
  }

  #refused({ outputs }: Unit): string | undefined {
    const refusal = this.#refusals.find(
      ({ topic, times, done }) => done < times && outputs.some((output) => output.topic === topic),
    )
    if (refusal) refusal.done++
    return refusal?.topic
  }

  /** At least once, what the unit wrote to other topics is there by then. */
  async #refuse(broker: Broker, unit: Unit, topic: string): Promise<never> {
    const written = unit.outputs.filter((output) => output.topic !== topic)
    if (this.#guarantee === 'atLeastOnce')
      await this.#repeat(broker, { ...unit, outputs: written, state: [], global: [] })
    throw new BrokerError(`${topic} cannot be written, as the test says.`)
  }

  /** Counts a unit. @returns how far it comes, if no further */
  #crashOf({ group, outputs }: Unit): Crash | undefined {
    if (group !== this.#group) return undefined
    const counting = this.#crashes.filter(
      ({ topic }) => topic === undefined || outputs.some((output) => output.topic === topic),
    )
    for (const crash of counting) crash.seen++
    return counting.find(({ seen, unit }) => seen === unit)?.moment
  }

  async #write(broker: Broker, unit: Unit, moment: Crash): Promise<void> {
    if (moment === 'afterCommit') return broker.commit(unit)
    if (this.#guarantee === 'exactlyOnce' || moment === 'beforeProduce') return
    await this.#repeat(broker, moment === 'afterState' ? unit : { ...unit, state: [], global: [] })
  }

  /** Writes of a unit what is written before its offsets. */
  async #repeat(broker: Broker, unit: Unit): Promise<void> {
    this.#repeats++
    await broker.commit({ ...unit, offsets: [], counts: [] })
  }
}
