import type { z } from 'zod'
import type { Fault, FaultClass } from '../record/fault.ts'
import type { Record } from '../record/record.ts'
import type { Context, Json } from './context.ts'
import type { ConfigExample } from './source.ts'

export type Receipt = 'written' | Fault

export interface OpenSink {
  /** Resolves once every record is durable: one receipt per record, in order. A throw fails them all. */
  write(records: readonly Record[], signal: AbortSignal): Promise<readonly Receipt[]>
  /** Where the sink stands after the last write; committed with the unit and given back to `open`, so that it can undo what a crash left over. */
  position?(): Json
  close(): Promise<void>
}

export interface SinkContext extends Context {
  /** The position committed last, if the sink has any. */
  readonly position: Json | undefined
}

export interface SinkSpec<S extends z.ZodType = z.ZodType> {
  /** A noun; the name in YAML, of the file, of its docs page and in metrics. */
  readonly name: string
  readonly summary: string
  readonly config: S
  readonly faults: readonly FaultClass[]
  readonly examples: readonly ConfigExample[]
  /** Only one may write at a time, in one place: two would write over one another. */
  readonly soleWriter?: true
  /** Whether it works by the records' keys: all records of a key have to come to the same task. */
  readonly keyed?: true
  /** The table that it keeps, for the sink whose records go into state: of their task, or of all tasks where it is global. */
  table?(config: z.output<S>): { readonly name: string; readonly global: boolean }
  /** Absent for sinks whose records are part of the unit itself. */
  open?(config: z.output<S>, context: SinkContext): Promise<OpenSink>
}

export const defineSink = <S extends z.ZodType>(spec: SinkSpec<S>): SinkSpec<S> => spec
