import type { SchedulerLike } from 'rxjs'
import type { Broker, GroupMember, Unit } from '../broker/broker.ts'
import type { Json, Log } from '../component/context.ts'
import type { Connector, Polled, SourceRecord } from '../component/source.ts'
import { decodeValue } from '../component/value.ts'
import { Fault, RecordedFault } from '../record/fault.ts'
import type { Header, OutputRecord, RawRecord } from '../record/record.ts'
import { decode, encode } from './encoded.ts'
import { increment, type Meter } from './meter.ts'
import { pauseAfter, sleep } from './pause.ts'
import type { Plan, PlannedSource } from './plan.ts'
import { isTimestamp } from './results.ts'

const codeHeader = 'oxbow.fault.code'
const messageHeader = 'oxbow.fault.message'

export interface AppenderParts {
  readonly plan: Plan
  readonly source: PlannedSource
  readonly broker: Broker
  readonly scheduler: SchedulerLike
  readonly log: Log
  /** The term in which this process has the source's first partition, and with it the connector. */
  readonly member: GroupMember | undefined
  readonly signal: AbortSignal
  readonly meter: Meter
  /** Poll until there is nothing more at once, then stop. */
  readonly once: boolean
  /** Called when the appender starts or stops waiting for the outside. */
  readonly changed: () => void
}

/**
 * Polls a connector and appends what it finds to the source's topic, records and cursor in one unit: a restart repeats
 * nothing and misses nothing. A poll that fails moves nothing, and is tried again with back-off.
 */
export class Appender {
  readonly #parts: AppenderParts
  #failures = 0
  /** Whether it is between polls, with nothing in hand. */
  waiting = false
  #failure: Error | undefined
  /** Why nothing comes: the last poll failed, or says so. */
  trouble: string | undefined

  constructor(parts: AppenderParts) {
    this.#parts = parts
  }

  async run(): Promise<void> {
    const { signal, once, scheduler } = this.#parts
    let connector: Connector | undefined
    try {
      while (!signal.aborted) {
        connector ??= await this.#attempt(() => this.#open())
        const wait = connector ? await this.#attempt(() => this.#poll(connector!)) : pauseAfter(this.#failures)
        if (wait === undefined && this.#failure === undefined) continue
        this.#setWaiting(true)
        if (once || wait === 'ended') return
        await sleep(wait ?? pauseAfter(this.#failures), scheduler, signal)
        this.#setWaiting(false)
      }
    } finally {
      if (connector) await this.#close(connector)
    }
  }

  async #close(connector: Connector): Promise<void> {
    try {
      await connector.close?.()
    } catch (thrown) {
      const { source, log } = this.#parts
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      log.warn({ source: source.name }, `${source.name} was not closed: ${reason}`)
    }
  }

  #setWaiting(waiting: boolean): void {
    this.waiting = waiting
    this.#parts.changed()
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { source, log, signal, meter } = this.#parts
    try {
      const result = await work()
      this.#failures = 0
      this.#failure = undefined
      return result
    } catch (thrown) {
      if (signal.aborted) return undefined
      this.#failures++
      this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown))
      this.trouble = this.#failure.message
      increment(meter.failedPolls, source.name)
      const code = thrown instanceof Fault ? thrown.code : undefined
      log.warn(
        { source: source.name, code, again: pauseAfter(this.#failures) },
        `${source.name} was not read: ${this.trouble}`,
      )
      return undefined
    }
  }

  #open(): Promise<Connector> {
    const { plan, source, scheduler, log, signal, once } = this.#parts
    const context = { name: source.name, scheduler, directory: plan.directory, log, signal, once }
    return source.spec.open!(source.config, context)
  }

  async #poll(connector: Connector): Promise<Polled['wait']> {
    const { broker, source, signal, meter } = this.#parts
    const polled = await connector.poll(await this.#cursor(), signal)
    if (signal.aborted) {
      polled.failed?.(new Error('the pipeline is stopping'))
      return 'ended'
    }
    try {
      if (polled.records.length > 0 || polled.cursor !== undefined) await broker.commit(this.#unit(polled))
    } catch (thrown) {
      polled.failed?.(thrown as Error)
      throw thrown
    }
    increment(meter.appended, source.name, polled.records.length)
    polled.committed?.()
    this.trouble = polled.trouble
    return polled.wait
  }

  async #cursor(): Promise<Json | undefined> {
    const { broker, plan } = this.#parts
    const state = await broker.state(plan.name, this.#task)
    const bytes = state.get('cursor', 'cursor')
    return bytes && decode<Json>(bytes)
  }

  get #task(): string {
    return `source/${this.#parts.source.name}`
  }

  #unit({ records, cursor }: Polled): Unit {
    const { plan, source, scheduler, member } = this.#parts
    const now = scheduler.now()
    return {
      group: plan.name,
      task: this.#task,
      ...(member && { member }),
      outputs: records.map((record) => output(source.name, record, now)),
      offsets: [],
      state: cursor === undefined ? [] : [{ store: 'cursor', key: 'cursor', value: encode(cursor) }],
      counts: [],
    }
  }
}

function output(
  topic: string,
  { key, value, headers = [], timestamp, fault }: SourceRecord,
  now: number,
): OutputRecord {
  return {
    topic,
    key,
    value,
    headers: fault ? [...headers, ...faultHeaders(fault)] : headers,
    timestamp: isTimestamp(timestamp) ? timestamp : now,
  }
}

function faultHeaders({ code, message }: Fault): Header[] {
  return [
    [codeHeader, Buffer.from(code)],
    [messageHeader, Buffer.from(message)],
  ]
}

/** A record's value, or the fault that its bytes or the connector that appended it say. */
export function readValue(
  { value, headers }: RawRecord,
  { spec, format }: PlannedSource,
): ReturnType<typeof decodeValue> {
  const fault = spec.open && headers.length > 0 ? sourceFault(headers) : undefined
  return fault ? { fault } : decodeValue(value, format)
}

/** The fault that a connector found in the record it appended, if any. */
function sourceFault(headers: readonly Header[]): Fault | undefined {
  const code = headers.findLast(([name]) => name === codeHeader)?.[1]?.toString()
  if (code === undefined) return undefined
  const message = headers.findLast(([name]) => name === messageHeader)?.[1]?.toString()
  return new RecordedFault(code, message ?? 'The source found a fault in this record.')
}
