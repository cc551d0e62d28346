import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const binary = fileURLToPath(new URL('../../bin/oxbow.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  /** What it has printed so far. */
  readonly output: { stdout: string; stderr: string }
  readonly ended: Promise<Ended>
  /** Resolves when it has printed the text, to either; rejects when it ends before. */
  printed(text: string): Promise<void>
}

/** A directory of its own for a test, gone when the test is. */
export function makeDirectory(files: { readonly [name: string]: string } = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-cli-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

/** Starts the real binary. */
export function startOxbow(directory: string, ...words: string[]): Started {
  const child = spawn(process.execPath, [binary, ...words], { cwd: directory, env: { ...process.env, NO_COLOR: '1' } })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (output.stderr += text))
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, ...output }))
  onTestFinished(() => void child.kill('SIGKILL'))
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if ((output.stdout + output.stderr).includes(text)) resolve()
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.on('close', () =>
        reject(new Error(`it ended without printing "${text}":\n${output.stdout}${output.stderr}`)),
      )
      look()
    })
  return { child, output, ended, printed }
}

/** Runs the real binary to its end, with this on its standard input. */
export function runOxbow(directory: string, words: readonly string[], input = ''): Promise<Ended> {
  const { child, ended } = startOxbow(directory, ...words)
  child.stdin!.on('error', () => undefined).end(input)
  return ended
}

/** JSON lines as values. */
export const jsonLines = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
