import { Worker } from 'node:worker_threads'
import { BrokerError } from '../broker.ts'
import { packChanges, type PackedChanges } from './packedChanges.ts'
import { writeUnit, type PackedUnit, type Tables } from './tables.ts'

/** Writes units, one after another. */
export interface Writer {
  /** Resolves when the unit is durable. @throws BrokerError when none of it was written */
  write(unit: PackedUnit): Promise<void>
  close(): Promise<void>
}

/** What the thread is asked, and what it answers. */
export interface WriteRequest {
  readonly number: number
  readonly unit: Omit<PackedUnit, 'state' | 'global'>
  readonly state: PackedChanges
  readonly global: PackedChanges
}
export interface WriteReply {
  readonly number: number
  readonly problem?: string
}

/** Writes on the connection at hand. */
export const directWriter = (tables: Tables): Writer => ({
  write: async (unit) => writeUnit(tables, unit),
  close: async () => {},
})

/**
 * Writes on a thread of its own, with its own connection: while the disk works, the pipeline does too.
 * @param file the database, which exists
 */
export function threadWriter(file: string): Writer {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const thread = new Worker(new URL(`./writerThread.${extension}`, import.meta.url), { workerData: file })
  const waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  let last = 0
  let gone: BrokerError | undefined

  const end = (reason: string): void => {
    gone ??= new BrokerError(`The writer of ${file} has ended: ${reason}.`)
    for (const { reject } of waiting.values()) reject(gone)
    waiting.clear()
  }
  thread.on('message', ({ number, problem }: WriteReply) => {
    const { resolve, reject } = waiting.get(number)!
    waiting.delete(number)
    if (waiting.size === 0) thread.unref()
    if (problem === undefined) resolve()
    else reject(new BrokerError(problem))
  })
  thread.on('error', (error) => end(error.message))
  thread.on('exit', (code) => end(`exit code ${code}`))
  thread.unref()

  return {
    write: ({ state: changes, global: shared = [], ...unit }) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(gone)
        const bytes = unit.appends.flatMap(({ batches }) => batches.map((batch) => batch.bytes.buffer as ArrayBuffer))
        const [state, global] = [packChanges(changes), packChanges(shared)]
        const request: WriteRequest = { number: ++last, unit, state, global }
        const packed = [state, global].flatMap(({ values, sizes }) => [values.buffer, sizes.buffer])
        thread.postMessage(request, [...bytes, ...packed])
        waiting.set(last, { resolve, reject })
        thread.ref()
      }),
    close: async () => {
      while (waiting.size > 0) {
        await new Promise((resolve) => thread.once('message', resolve).once('exit', resolve))
      }
      await thread.terminate()
    },
  }
}
