import { asyncScheduler, type SchedulerAction, type SchedulerLike } from 'rxjs'
import type { z } from 'zod'
import type { Json, Log } from '../../src/component/context.ts'
import type { Connector, SourceRecord, SourceSpec } from '../../src/component/source.ts'

export interface LogLine {
  readonly level: string
  readonly fields: { readonly [name: string]: unknown }
  readonly message: string
}

/** A log that keeps its lines. */
export function recordedLog(): Log & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** The real timers under a clock that stands still. */
export function clockAt(time: number | string): SchedulerLike {
  const now = typeof time === 'number' ? time : Date.parse(time)
  return Object.create(asyncScheduler, { now: { value: () => now } }) as SchedulerLike
}

type Work = (this: SchedulerAction<unknown>, state?: unknown) => void

/** The real timers, in which a second passes in a millisecond. */
export const hurried: SchedulerLike = {
  now: () => asyncScheduler.now(),
  schedule: (work: Work, delay = 0, state?: unknown) =>
    asyncScheduler.schedule(
      function (this: SchedulerAction<unknown>, given) {
        const again = { value: (next: unknown, pause = 0) => this.schedule(next, pause / 1_000) }
        work.call(Object.create(this, { schedule: again }) as SchedulerAction<unknown>, given)
      },
      delay / 1_000,
      state,
    ),
}

export interface Surroundings {
  readonly directory?: string
  readonly scheduler?: SchedulerLike
  readonly once?: boolean
  readonly log?: Log
}

/** Opens a polled source as a pipeline would. */
export async function connect<S extends z.ZodType>(
  source: SourceSpec<S>,
  config: z.input<S>,
  { directory = '/', scheduler = asyncScheduler, once = false, log = recordedLog() }: Surroundings = {},
): Promise<Connector> {
  if (!source.open) throw new Error(`${source.name} has nothing to open.`)
  const { signal } = new AbortController()
  return source.open(source.config.parse(config), { name: 'in', scheduler, directory, log, signal, once })
}

export interface Drained {
  readonly records: readonly SourceRecord[]
  readonly cursor: Json | undefined
  readonly wait: number | 'ended'
}

/** Polls until there is nothing more at once, committing each poll. */
export async function drain(connector: Connector, from?: Json): Promise<Drained> {
  const records: SourceRecord[] = []
  let cursor = from
  for (;;) {
    const polled = await connector.poll(cursor, new AbortController().signal)
    records.push(...polled.records)
    // As a broker keeps it.
    if (polled.cursor !== undefined) cursor = JSON.parse(JSON.stringify(polled.cursor)) as Json
    polled.committed?.()
    if (polled.wait !== undefined) return { records, cursor, wait: polled.wait }
  }
}

export const text = ({ value }: SourceRecord): string | undefined => value?.toString()
export const keyText = ({ key }: SourceRecord): string | undefined => key?.toString()
export const faultCode = ({ fault }: SourceRecord): string | undefined => fault?.code
