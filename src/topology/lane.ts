import type { FailureTime } from '../deadletter/ledger/entry.ts'
import type { OutputRecord, StoredRecord } from '../record/record.ts'

/** A failure, and the dead-letter topic that has its letter. */
interface LettersFailure extends FailureTime {
  readonly topic: string
  /** How often it had been opened again by then; older versions do not say so. */
  readonly reopened?: number
}

/** What is to happen to a dead letter that may hold up its key, or to the key. */
export type LaneCommand =
  /** The record stays dead; those that wait behind it go on. */
  (
    | {
        readonly command: 'discard'
        readonly letter: string
        /** The failure that it is about. */
        readonly failure?: LettersFailure
      }
    /** All letters of the key stay dead, and those that wait behind them go on. */
    | { readonly command: 'release'; readonly key: string }
  ) & {
    /** Who says so, and why. */
    readonly by?: string
    readonly why?: string
  }

/** The private topic by which a source's dead letters, and commands for them, reach the tasks that they are for. */
export const laneOf = (pipeline: string, source: string): string => `${pipeline}-${source}-redrive`

/** The same of an internal topic, whose name begins with the pipeline's. */
export const laneBeside = (internal: string): string => `${internal}-redrive`

/** A command as a record of a lane. @param partition that of the letter's origin @param now milliseconds since the epoch */
export function commandRecord(topic: string, partition: number, command: LaneCommand, now: number): OutputRecord {
  return { topic, partition, key: null, value: Buffer.from(JSON.stringify(command)), headers: [], timestamp: now }
}

/** A key as a command carries it. */
export const keyText = (key: Buffer): string => key.toString('base64')

/** Undefined for what is no command: anybody may write to a topic. */
export function readCommand({ value }: StoredRecord): LaneCommand | undefined {
  const text = value?.toString() ?? ''
  let said: { readonly [field: string]: unknown } | null
  try {
    said = JSON.parse(text) as { readonly [field: string]: unknown } | null
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
  const { command, letter, key, by, why, failure } = said ?? {}
  const who = { ...(typeof by === 'string' && { by }), ...(typeof why === 'string' && { why }) }
  if (command === 'discard' && typeof letter === 'string')
    return { command, letter, ...who, ...(isFailure(failure) && { failure }) }
  return command === 'release' && typeof key === 'string' ? { command, key, ...who } : undefined
}

function isFailure(said: unknown): said is LettersFailure {
  const { topic, hops, failedAt, reopened = 0 } = Object(said) as { readonly [field: string]: unknown }
  return typeof topic === 'string' && [hops, failedAt, reopened].every((each) => typeof each === 'number')
}
