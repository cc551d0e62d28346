import type { SchedulerLike } from 'rxjs'
import type { Broker, GroupMember } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import { Appender } from './append.ts'
import type { Meter } from './meter.ts'
import type { Plan } from './plan.ts'

export interface ConnectorsParts {
  readonly plan: Plan
  readonly broker: Broker
  readonly scheduler: SchedulerLike
  readonly log: Log
  readonly once: boolean
  readonly signal: AbortSignal
  readonly meter: Meter
  /** Called when a connector starts or stops waiting for the outside. */
  readonly changed: () => void
}

/** A source's connector at work. */
interface Connector {
  readonly appender: Appender
  readonly stop: AbortController
  readonly running: Promise<void>
}

/** The connectors of a pipeline: each runs where the first partition of its source's topic is. */
export class Connectors {
  readonly #parts: ConnectorsParts
  readonly #running = new Map<string, Connector>()

  constructor(parts: ConnectorsParts) {
    this.#parts = parts
  }

  /** Whether all are between polls, with nothing in hand. */
  get waiting(): boolean {
    return [...this.#running.values()].every(({ appender }) => appender.waiting)
  }

  /** Whether the connector of a topic, if it runs here, is to end by itself and has not yet: more is to come then. */
  isFilling(topic: string): boolean {
    const connector = this.#running.get(topic)
    return this.#parts.once && connector !== undefined && !connector.appender.waiting
  }

  /** Why nothing comes of some. */
  get troubles(): readonly string[] {
    return [...this.#running].flatMap(([name, { appender }]) =>
      appender.trouble === undefined ? [] : [`source ${name}: ${appender.trouble}`],
    )
  }

  /** Starts the connector of a topic, if it has one that does not run yet. */
  start(topic: string, member: GroupMember | undefined): void {
    const sources = this.#parts.plan.subtopologies.flatMap((subtopology) => subtopology.sources)
    const source = sources.find(({ name }) => name === topic)
    if (!source?.spec.open || this.#running.has(topic)) return
    const stop = new AbortController()
    const signal = AbortSignal.any([this.#parts.signal, stop.signal])
    const appender = new Appender({ ...this.#parts, source, member, signal })
    this.#running.set(topic, { appender, stop, running: appender.run() })
  }

  /** Resolves when it has ended. */
  async stop(topic: string): Promise<void> {
    const connector = this.#running.get(topic)
    connector?.stop.abort()
    await connector?.running
    this.#running.delete(topic)
  }

  /** Resolves when all have ended. */
  async ended(): Promise<void> {
    await Promise.all(Array.from(this.#running.values(), ({ running }) => running))
  }
}
