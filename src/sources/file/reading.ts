import { createHash } from 'node:crypto'
import { open, stat, type FileHandle } from 'node:fs/promises'
import type { Log } from '../../component/context.ts'
import type { SourceRecord } from '../../component/source.ts'
import type { Cut, Place } from './lines.ts'

/** Where reading goes on after a restart, and in which file: what a path means can change. */
export type FileCursor = Place & {
  /** The file's inode. */
  readonly file: string
  /** Digest of the file's first bytes, up to the offset: an inode is soon used again. */
  readonly head: string
}

export interface ReadingOptions {
  readonly path: string
  readonly follow: boolean
  readonly cut: Cut
  readonly log: Log
}

export interface Found {
  readonly records: readonly SourceRecord[]
  /** Absent when nothing was passed. */
  readonly cursor?: FileCursor
  /** Whether the end was reached: there is nothing more, or not yet. */
  readonly ended: boolean
}

/** A file on its way from the first line to the last. */
export interface Reading {
  isAt(cursor: FileCursor | undefined): boolean
  /** The records that come next. */
  next(signal: AbortSignal): Promise<Found>
  close(): Promise<void>
}

/** Bytes read at once: what memory grows by, not the size of the file. */
const chunk = 1_048_576
const headBytes = 1_024

/**
 * Opens the file where the cursor points, or at its start when it is not that file any more, which is a WARN.
 * @throws Error when there is no such file, or it is none that can be read
 */
export async function openReading(options: ReadingOptions, from: FileCursor | undefined): Promise<Reading> {
  const { path, follow, cut, log } = options
  let { handle, file } = await openFile(path)
  let place: Place = { offset: 0 }
  let window = Buffer.alloc(0)

  if (from) {
    const change = await changed(handle, file, from)
    if (change) startAnew(change)
    else place = placeOf(from)
  }

  function startAnew(change: string): void {
    log.warn({ path, was: place.offset }, `the file was ${change}; it is read again from its start`)
    place = { offset: 0 }
    window = Buffer.alloc(0)
  }

  function cutOff(final: boolean): readonly SourceRecord[] {
    const { records, place: reached } = cut(window, place, final)
    window = window.subarray(reached.offset - place.offset)
    place = reached
    return records
  }

  async function more(): Promise<boolean> {
    const position = place.offset + window.length
    const { size } = await handle.stat()
    if (size <= position) return false
    const grown = Buffer.allocUnsafe(window.length + Math.min(size - position, Math.max(chunk, window.length)))
    window.copy(grown)
    const { bytesRead } = await handle.read(grown, window.length, grown.length - window.length, position)
    window = grown.subarray(0, window.length + bytesRead)
    if (position === 0) refuseUtf16(window, path)
    return bytesRead > 0
  }

  /** What happened to the path while its end was awaited; a file that is missing is about to be replaced. */
  async function successor(): Promise<'replaced' | 'truncated' | undefined> {
    const now = await stat(path, { bigint: true }).catch(unlessMissing)
    if (!now) return undefined
    if (String(now.ino) !== file) return 'replaced'
    return now.size < place.offset + window.length ? 'truncated' : undefined
  }

  async function cursor(): Promise<FileCursor> {
    return { ...place, file, head: await headOf(handle, place.offset) }
  }

  return {
    isAt: (cursor) => (cursor?.offset ?? 0) === place.offset && (cursor?.file ?? file) === file,

    async next(signal) {
      const start = place.offset
      const startFile = file
      for (;;) {
        signal.throwIfAborted()
        const whole = cutOff(false)
        if (whole.length > 0) return { records: whole, cursor: await cursor(), ended: false }
        if (await more()) continue

        const change = follow ? await successor() : undefined
        // What was still written to the file before another took its place.
        if (change === 'replaced' && (await more())) continue
        const last = follow && !change ? [] : cutOff(true)
        if (last.length > 0) return { records: last, cursor: await cursor(), ended: false }
        if (!change) {
          const moved = place.offset !== start || file !== startFile
          return { records: [], ...(moved && { cursor: await cursor() }), ended: true }
        }
        const next = await openFile(path)
        await handle.close()
        ;({ handle, file } = next)
        startAnew(change)
      }
    },

    close: () => handle.close(),
  }
}

async function openFile(path: string): Promise<{ handle: FileHandle; file: string }> {
  const handle = await open(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') throw new Error(`There is no file "${path}".`, { cause })
    throw new Error(`The file "${path}" cannot be opened: ${cause.message}`, { cause })
  })
  const found = await handle.stat({ bigint: true })
  if (!found.isFile()) {
    await handle.close()
    throw new Error(`"${path}" is ${found.isDirectory() ? 'a directory' : 'no regular file'}; a file can be read.`)
  }
  return { handle, file: String(found.ino) }
}

async function changed(handle: FileHandle, file: string, from: FileCursor): Promise<string | undefined> {
  const { size } = await handle.stat()
  if (size < from.offset) return 'truncated'
  return file === from.file && (await headOf(handle, from.offset)) === from.head ? undefined : 'replaced'
}

async function headOf(handle: FileHandle, offset: number): Promise<string> {
  const head = Buffer.alloc(Math.min(offset, headBytes))
  await handle.read(head, 0, head.length, 0)
  return createHash('sha1').update(head).digest('base64')
}

function placeOf({ file: _file, head: _head, ...place }: FileCursor): Place {
  return place
}

function refuseUtf16(start: Buffer, path: string): void {
  const mark = start.length < 2 ? 0 : start.readUInt16BE(0)
  if (mark === 0xfffe || mark === 0xfeff) throw new Error(`The file "${path}" is UTF-16; write it as UTF-8.`)
}

function unlessMissing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT') throw cause
}
