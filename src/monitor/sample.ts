import { z } from 'zod'
import { RecordedFault } from '../record/fault.ts'

const amount = () => z.number().min(0)

const sampleSchema = z.strictObject({
  source: z.string(),
  topic: z.string(),
  size: amount(),
  growth: amount(),
  rate: amount(),
  age: amount(),
  share: amount().max(1),
  read: amount(),
  dead: amount(),
  parked: amount().default(0),
  paused: amount().default(0),
  newGroups: amount().default(0),
  regressedGroups: amount().default(0),
  groups: z.array(z.string()).default([]),
})

/** What the monitor sees of one dead-letter topic at one moment; what an alert's condition speaks of. */
export interface Sample {
  /** The source; several that share a dead-letter topic are joined by ", ". */
  readonly source: string
  /** The dead-letter topic. */
  readonly topic: string
  /** Open dead letters, exactly. */
  readonly size: number
  /** Dead letters written since the sample before; all of them in the first. */
  readonly growth: number
  /** Dead letters written a minute since the sample before; 0 in the first. */
  readonly rate: number
  /** Seconds since the oldest open letter was written; 0 where there is none. */
  readonly age: number
  /** dead / read; 0 where nothing was read yet. */
  readonly share: number
  /**
   * Source records that reached their final outcome, between the last two samples that saw any do so, in the stream where
   * the largest share of them died.
   */
  readonly read: number
  /** Those of them that were dead-lettered. */
  readonly dead: number
  /** Records that wait behind earlier ones of their key (`order: key`). */
  readonly parked: number
  /** Partitions that are not read because too much is parked. */
  readonly paused: number
  /** Groups of letters that were not there at the sample before, and those that failed again after all had been dealt with. */
  readonly newGroups: number
  readonly regressedGroups: number
  /** Some of them, each by its fingerprint, the operator and the fault. */
  readonly groups: readonly string[]
}

/** @throws RecordedFault `sample.invalid` for a value that is not a sample */
export function readSample(value: unknown): Sample {
  const { success, data, error } = sampleSchema.safeParse(value)
  if (success) return data
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'the value'}: ${message}`)
  throw new RecordedFault('sample.invalid', `The record is not a sample of the monitor: ${problems.join('; ')}.`)
}
