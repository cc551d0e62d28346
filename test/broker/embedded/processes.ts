import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** A script beside these tests, in a process of its own. */
export interface Child {
  readonly process: ChildProcess
  readonly stdout: NodeJS.ReadableStream
  /** Everything it wrote to stderr, once it has ended. */
  readonly stderr: Promise<string>
  /** Resolves with the exit code, or with null after a signal. */
  readonly ended: Promise<number | null>
}

/** @param limit of the size of any file the process writes, in KiB */
export function start(script: string, args: readonly string[], limit?: number): Child {
  const path = join(import.meta.dirname, 'processes', `${script}.ts`)
  const limited = limit === undefined ? '' : `ulimit -f ${limit * 2};`
  const child = spawn('/bin/sh', ['-c', `${limited} exec "$0" "$@"`, process.execPath, path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return {
    process: child,
    stdout: child.stdout,
    stderr: text(child.stderr),
    ended: once(child, 'close').then(([code]) => code as number | null),
  }
}

/** Resolves once the process has written something. */
export const firstWords = async ({ stdout }: Child): Promise<string> => String((await once(stdout, 'data'))[0])

/** An empty directory that is gone when the test is over. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'oxbow-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
}
