import { readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { BrokerError } from '../broker.ts'
import { makeDirectory } from '../embedded/directory.ts'
import { resultCode } from '../embedded/failure.ts'
import { deleteStateCopy, openStateCopy, type CopyOf, type StateCopy } from '../embedded/stateCopy.ts'
import type { Original } from './original.ts'

/** Says what goes on that a user may want to know. */
export interface Notes {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** So long whoever had a partition before may take to let go of its copy, in milliseconds. */
const patience = 10_000
const tryEvery = 100
const [busy, damaged, notDatabase] = [5, 11, 26]

/** Where the local copies of changelog partitions are kept: files of a directory, or memory. */
export class Copies {
  readonly #directory: string | undefined
  readonly #notes: Notes | undefined
  /** Open copies that nobody uses now. */
  readonly #left = new Map<string, { readonly state: StateCopy; readonly of: CopyOf }>()

  constructor(directory: string | undefined, notes: Notes | undefined) {
    if (directory !== undefined) makeDirectory(directory)
    this.#directory = directory
    this.#notes = notes
  }

  /** What says where they are: who has the same place shares its fate. */
  get place(): string {
    if (this.#directory === undefined) return `${hostname()}-${process.pid}`
    const { dev, ino } = statSync(this.#directory)
    return `${hostname()}-${dev}-${ino}`
  }

  /** The partitions of a group that there are files of. */
  found(group: string): number[] {
    if (this.#directory === undefined) return []
    try {
      const files = readdirSync(dirname(this.#fileOf(group, 0)!))
      return files.flatMap((name) => /^(\d+)\.db$/.exec(name)?.[1] ?? []).map(Number)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw thrown
    }
  }

  /** A copy to go on with, from where it says; what is of no use any more is deleted. */
  async open(
    group: string,
    partition: number,
    { topicId, start, end }: Original,
  ): Promise<{ readonly state: StateCopy; readonly position: number; readonly isStandby: boolean }> {
    const left = this.#take(group, partition)
    const copy = left?.state ?? (await this.#openFile(group, partition))
    const found = left?.of ?? copy.found
    if (!found && this.#directory === undefined) return { state: copy, position: start, isStandby: false }
    if (!found) return { state: this.#anew(copy, group, partition), position: start, isStandby: false }
    if (found.topicId === topicId && start <= found.position && found.position <= end)
      return { state: copy, position: found.position, isStandby: left !== undefined }
    this.#notes?.warn(
      { group, partition },
      `${this.#fileOf(group, partition) ?? 'A copy in memory'} is of another changelog: it is made anew.`,
    )
    return { state: this.#anew(copy, group, partition), position: start, isStandby: false }
  }

  /** Keeps a copy open for who opens it next: a standby copy for the task that takes over, or the other way round. */
  leave(group: string, partition: number, state: StateCopy, of: CopyOf): void {
    this.close(group, partition)
    this.#left.set(nameOf(group, partition), { state, of })
  }

  /** Closes what was left, if anything. */
  close(group: string, partition: number): void {
    this.#take(group, partition)?.state.close()
  }

  closeAll(): void {
    for (const { state } of this.#left.values()) state.close()
    this.#left.clear()
  }

  /** Closes a copy that is of no use any more, and deletes it. */
  discard(group: string, partition: number, state: StateCopy): void {
    state.close()
    const file = this.#fileOf(group, partition)
    if (file !== undefined) deleteStateCopy(file)
  }

  #take(group: string, partition: number) {
    const left = this.#left.get(nameOf(group, partition))
    this.#left.delete(nameOf(group, partition))
    return left
  }

  #anew(copy: StateCopy, group: string, partition: number): StateCopy {
    const file = this.#fileOf(group, partition)
    this.discard(group, partition, copy)
    return openStateCopy({ ...(file !== undefined && { file }), now: Date.now })
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

const nameOf = (group: string, partition: number): string => `${group}/${partition}`

const codeOf = (thrown: unknown): number =>
  thrown instanceof BrokerError && thrown.cause !== undefined ? resultCode(thrown.cause) & 0xff : 0
