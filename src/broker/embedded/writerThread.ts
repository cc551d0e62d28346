import { parentPort, workerData } from 'node:worker_threads'
import { unpackChanges } from './packedChanges.ts'
import { openTables, writeUnit } from './tables.ts'
import type { WriteReply, WriteRequest } from './writer.ts'

const tables = openTables(workerData as string, false)

parentPort!.on('message', ({ number, unit, state, global }: WriteRequest) => {
  try {
    writeUnit(tables, { ...unit, state: unpackChanges(state), global: unpackChanges(global) })
    parentPort!.postMessage({ number } satisfies WriteReply)
  } catch (thrown) {
    const problem = thrown instanceof Error ? thrown.message : String(thrown)
    parentPort!.postMessage({ number, problem } satisfies WriteReply)
  } finally {
    // They came by transfer. Freed at once, they do not pile up until this thread collects its little garbage.
    for (const { bytes } of unit.appends.flatMap(({ batches }) => batches)) (bytes.buffer as ArrayBuffer).transfer(0)
  }
})
