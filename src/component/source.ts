import type { z } from 'zod'
import type { Fault, FaultClass } from '../record/fault.ts'
import type { Header } from '../record/record.ts'
import type { Convention } from './convention.ts'
import type { Context, Json } from './context.ts'

/** How the bytes of a source's topic are read. */
export type Format = 'json' | 'text' | 'bytes'

/** A record that a connector found, before it has an origin. */
export interface SourceRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly Header[]
  /** Milliseconds since the epoch; the time of the append when absent. */
  readonly timestamp?: number
  /** What is wrong with it: it is appended all the same, and dead-lettered with this fault when it is read. */
  readonly fault?: Fault
}

/** What one look at the outside gave: appended to the source's topic in one unit together with the cursor. */
export interface Polled {
  readonly records: readonly SourceRecord[]
  /** Where the next poll goes on, also after a restart; absent when it did not move. */
  readonly cursor?: Json
  /** Milliseconds until it is worth polling again; absent when there is more at once; 'ended' when there never is. */
  readonly wait?: number | 'ended'
  /** Why nothing comes of the outside at present, though a poll is no failure: told by /readyz until a poll says otherwise. */
  readonly trouble?: string
  /** Called when the records are durable, so that a sender can be answered. */
  committed?(): void
  /** Called when they could not be made durable. */
  failed?(error: Error): void
}

export interface SourceContext extends Context {
  /** `--until-idle`: poll once, do not wait for what may come. */
  readonly once: boolean
}

export interface Connector {
  /**
   * One look at the outside. Polled again only after its records are durable, so a slow broker slows the source.
   * A throw is logged, counted and tried again with back-off; nothing moves.
   */
  poll(cursor: Json | undefined, signal: AbortSignal): Promise<Polled>
  close?(): Promise<void>
}

/** An example of a source's config; checked against its schema by a test. */
export interface ConfigExample {
  readonly title: string
  readonly config: unknown
}

export interface SourceSpec<S extends z.ZodType = z.ZodType> {
  /** A noun; the name in YAML, of the file, of its docs page and in metrics. */
  readonly name: string
  readonly summary: string
  readonly config: S
  readonly faults: readonly FaultClass[]
  readonly examples: readonly ConfigExample[]
  /** How its topic's values are decoded. */
  format(config: z.output<S>): Format
  /** For a topic of dead letters: by whose convention they are written. Streams get the records that failed. */
  letters?(config: z.output<S>): Convention | 'auto'
  /** For a topic of dead letters: the topics where the records of letters that do not hold them may be read. */
  originals?(config: z.output<S>): readonly string[]
  /** Absent for a source that only reads what is already in its topic. */
  open?(config: z.output<S>, context: SourceContext): Promise<Connector>
}

export const defineSource = <S extends z.ZodType>(spec: SourceSpec<S>): SourceSpec<S> => spec
