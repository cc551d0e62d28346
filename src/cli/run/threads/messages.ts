import type { PipelineStatus, ThreadLag } from '../../../topology/running.ts'
import type { StoreAnswer, StoreQuery } from '../../../topology/stores.ts'
import type { BrokerOptions } from '../../brokerOptions.ts'
import type { Role } from '../roles.ts'

/** What a worker thread is to run. */
export interface Assignment {
  /** From 1 on; 0 is the main thread. */
  readonly thread: number
  /** The configs of its pipelines. */
  readonly paths: readonly string[]
  readonly options: BrokerOptions
  /** Hashes of the configs as the main thread read them. */
  readonly revisions: readonly string[]
  /** The part of them that runs; all when absent. */
  readonly role: Role | undefined
  /** Poll each polled source once. */
  readonly once: boolean
}

/** What the pipelines of a thread are asked for, and what each call answers. */
export interface Answers {
  readonly start: void
  readonly status: PipelineStatus
  readonly lag: readonly ThreadLag[]
  readonly quiet: void
  readonly flush: void
  readonly stop: void
  readonly stores: StoreAnswer
}

export interface Request {
  readonly id: number
  readonly call: keyof Answers
  /** Which of the pipelines. */
  readonly pipeline: number
  /** For `quiet`. */
  readonly settled?: boolean
  /** For `stores`. */
  readonly query?: StoreQuery
  /** For `start`: host:port where the process answers over HTTP, if others are told. */
  readonly address?: string
}

/** Ends a thread whose pipelines are stopped: it closes its connections. */
export const endRequest = 'end'

export type Message =
  | { readonly id: number; readonly answer: Answers[keyof Answers] }
  | { readonly id: number; readonly problem: string }
  /** A line for the log, ready to be written. */
  | { readonly line: string }
