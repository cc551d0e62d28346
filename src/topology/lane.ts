import type { OutputRecord, StoredRecord } from '../record/record.ts'

/** What is to happen to a dead letter that holds up its key, or to the key. */
export type LaneCommand =
  /** The record goes back to the operator that failed, ahead of those that wait behind it. */
  | { readonly command: 'redrive'; readonly letter: string }
  /** The record stays dead; those that wait behind it go on. */
  | { readonly command: 'discard'; readonly letter: string }
  /** All letters of the key stay dead, and those that wait behind them go on. */
  | { readonly command: 'release'; readonly key: string }

/** The private topic by which commands for a source's dead letters reach the tasks that hold them. */
export const laneOf = (pipeline: string, source: string): string => `${pipeline}-${source}-redrive`

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
  const { command, letter, key } = said ?? {}
  if ((command === 'redrive' || command === 'discard') && typeof letter === 'string') return { command, letter }
  return command === 'release' && typeof key === 'string' ? { command, key } : undefined
}
