import type { Refused } from './refusals.ts'

interface StopOptions extends ErrorOptions {
  readonly flooded?: string
  readonly refused?: readonly Refused[]
}

/** A task stopped: nothing of its unit was committed, its records are still in their topics. */
export class TaskStopped extends Error {
  override readonly name = 'TaskStopped'
  /** The source whose flood guard stopped it, if that is why. */
  readonly flooded: string | undefined
  /** Outputs that the broker refuses for good, if that is why. */
  readonly refused: readonly Refused[]

  constructor(message: string, options: StopOptions = {}) {
    super(message, options)
    this.flooded = options.flooded
    this.refused = options.refused ?? []
  }
}
