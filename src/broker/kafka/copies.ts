import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { BrokerError } from '../broker.ts'
import { resultCode } from '../embedded/failure.ts'
import { deleteStateCopy, openStateCopy, type StateCopy } from '../embedded/stateCopy.ts'

/** Says what goes on that a user may want to know. */
export interface Notes {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** A partition of a changelog as it is now. */
export interface Original {
  readonly topicId: string | undefined
  /** Offset of the first record kept, and that of the next one to come. */
  readonly start: number
  readonly end: number
}

/** So long whoever had a partition before may take to let go of its copy, in milliseconds. */
const patience = 10_000
const tryEvery = 100
const [busy, damaged, notDatabase] = [5, 11, 26]

/** Where the local copies of changelog partitions are kept: files of a directory, or memory. */
export class Copies {
  readonly #directory: string | undefined
  readonly #notes: Notes | undefined

  constructor(directory: string | undefined, notes: Notes | undefined) {
    this.#directory = directory
    this.#notes = notes
  }

  /** A copy to go on with, from where it says; what is of no use any more is deleted. */
  async open(
    group: string,
    partition: number,
    { topicId, start, end }: Original,
  ): Promise<{ readonly state: StateCopy; readonly position: number }> {
    const copy = await this.#openFile(group, partition)
    const { found } = copy
    if (!found) return { state: this.#anew(copy, group, partition), position: start }
    if (found.topicId === topicId && start <= found.position && found.position <= end)
      return { state: copy, position: found.position }
    this.#notes?.warn(
      { group, partition },
      `${this.#fileOf(group, partition)} is of another changelog: it is made anew.`,
    )
    return { state: this.#anew(copy, group, partition), position: start }
  }

  #anew(copy: StateCopy, group: string, partition: number): StateCopy {
    const file = this.#fileOf(group, partition)
    if (file === undefined) return copy
    copy.close()
    deleteStateCopy(file)
    return openStateCopy({ file, now: Date.now })
  }

  async #openFile(group: string, partition: number): Promise<StateCopy> {
    const file = this.#fileOf(group, partition)
    if (file === undefined) return openStateCopy({ now: Date.now })
    for (const deadline = Date.now() + patience; ; await setTimeout(tryEvery)) {
      try {
        return openStateCopy({ file, now: Date.now })
      } catch (thrown) {
        const code = codeOf(thrown)
        if (code === damaged || code === notDatabase) {
          this.#notes?.warn({ group, partition }, `${file} is damaged: it is made anew.`)
          deleteStateCopy(file)
        } else if (code !== busy) throw thrown
        else if (Date.now() > deadline) {
          throw new BrokerError(
            `${file} is in use by another process. Give each process a directory of its own (--data), or none.`,
            { cause: thrown },
          )
        }
      }
    }
  }

  #fileOf(group: string, partition: number): string | undefined {
    return this.#directory === undefined
      ? undefined
      : join(this.#directory, 'state', encodeURIComponent(group), `${partition}.db`)
  }
}

const codeOf = (thrown: unknown): number =>
  thrown instanceof BrokerError && thrown.cause !== undefined ? resultCode(thrown.cause) & 0xff : 0
