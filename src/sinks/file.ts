import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import type { Log } from '../component/context.ts'
import { defineSink, type OpenSink, type Receipt } from '../component/sink.ts'
import { encodeValue } from '../component/value.ts'
import { asFault, Fault, SinkUnavailableFault } from '../record/fault.ts'
import type { Record } from '../record/record.ts'

/** A value of bytes holds a line end: it would read as two lines. */
class LineBrokenFault extends Fault {
  readonly code = 'line.broken'
  readonly disposition = 'deadLetter'
}

export const file = defineSink({
  name: 'file',
  summary: 'Appends the value of each record to a file as one line of JSON; exactly once, also over a crash.',

  config: z.strictObject({
    path: z
      .string()
      .min(1)
      .describe('The file, created if it is missing; a relative path starts from the directory of the config.'),
  }),

  faults: [LineBrokenFault, SinkUnavailableFault],

  examples: [{ title: 'JSON lines', config: { path: './articles.jsonl' } }],
  soleWriter: true,

  async open(config, { directory, position, log, name }): Promise<OpenSink> {
    const path = resolve(directory, config.path)
    const handle = await openForAppending(path)
    let end = await takeBack(handle, position as number | undefined, path, log)
    /** Whether a write that failed may have left bytes after the end. */
    let leftover = false

    return {
      async write(records) {
        const lines = records.map((record) => lineOf(record, name))
        const bytes = Buffer.concat(lines.filter((line) => Buffer.isBuffer(line)))
        try {
          if (leftover) await handle.truncate(end)
          leftover = true
          await writeAll(handle, bytes, end)
          await handle.datasync()
          leftover = false
          end += bytes.length
        } catch (cause) {
          const fault = new SinkUnavailableFault(`Cannot write to "${path}": ${(cause as Error).message}`, { cause })
          return lines.map((line): Receipt => (line instanceof Fault ? line : fault))
        }
        return lines.map((line): Receipt => (line instanceof Fault ? line : 'written'))
      },

      position: () => end,
      close: () => handle.close(),
    }
  },
})

async function openForAppending(path: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(path, 'a').then(async (created) => {
      await created.close()
      return open(path, 'r+')
    })
    await syncDirectory(dirname(path))
    return handle
  } catch (cause) {
    throw new Error(`Cannot write to "${path}": ${(cause as Error).message}`, { cause })
  }
}

/** So that a file that was just created is still there after a power cut. */
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

/** Takes back what was written after the last commit. @returns where to write on */
async function takeBack(handle: FileHandle, position: number | undefined, path: string, log: Log): Promise<number> {
  const { size } = await handle.stat()
  if (position === undefined || position === size) return size
  if (position > size) {
    log.warn({ path, position, size }, 'the file is shorter than it was left; writing goes on at its end')
    return size
  }
  log.info({ path, position, size }, 'what was written to the file but not committed is taken back')
  await handle.truncate(position)
  await handle.datasync()
  return position
}

/** The value as a line; a tombstone as null. */
function lineOf({ value }: Record, name: string): Buffer | Fault {
  try {
    const bytes = encodeValue(value) ?? Buffer.from('null')
    if (bytes.includes('\n')) return new LineBrokenFault('The value holds a line end: write it as text or JSON.')
    return Buffer.concat([bytes, Buffer.from('\n')])
  } catch (thrown) {
    return asFault(name, thrown)
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
