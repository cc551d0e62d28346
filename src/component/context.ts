import type { SchedulerLike } from 'rxjs'
import type { StateStore, TableReader } from './state.ts'

/** What a cursor, a sink's position or a decoded document may be. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** Structured logging; WARN = nothing was lost, ERROR = someone must act. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What every component is given besides its own config. */
export interface Context {
  /** Where the component stands, for faults and logs: "articles.dedupe", "rss.events". */
  readonly name: string
  /** The only clock and the only timers (law 10); tests run it on virtual time. */
  readonly scheduler: SchedulerLike
  /** The directory that relative paths in the config start from. */
  readonly directory: string
  readonly log: Log
  /** Aborts when the pipeline stops. */
  readonly signal: AbortSignal
}

export interface OperatorContext extends Context {
  /** The partition of the task. */
  readonly partition: number
  /** This operator's own state in this task. What a failing call wrote is taken back; the rest commits with the unit. */
  readonly state: StateStore
  /** The table that its specification says it reads: its part in this task, or all of a global one. @throws Error when there is no such table */
  table(name: string): TableReader
}
