import { spawn } from 'node:child_process'
import { cpuSeconds, peakMemory } from './kafka/processUse.ts'

const main = new URL('../src/cli/main.ts', import.meta.url).pathname

/** What a command took, start included. */
export interface Use {
  readonly seconds: number
  /** CPU time of all its threads, in seconds. */
  readonly cpu: number
  /** Peak of its resident memory, in MiB. */
  readonly memory: number
  readonly stdout: string
}

/** It is looked so often at what a process uses, in milliseconds: what it uses after the last look is not known. */
const looksEvery = 50

/** Runs the command line to its end, as bin/oxbow.js does. @throws Error where it fails */
export async function oxbow(args: readonly string[], input = ''): Promise<Use> {
  const started = performance.now()
  const child = spawn(process.execPath, ['--max-semi-space-size=32', main, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let [stdout, cpu, memory] = ['', 0, 0]
  const looking = setInterval(() => {
    if (child.exitCode !== null || child.pid === undefined) return
    memory = Math.max(memory, peakMemory(child.pid))
    cpu = cpuSeconds(child.pid)
  }, looksEvery)
  child.stdin.end(input)
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text))
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(looking)
  if (code !== 0) throw new Error(`oxbow ${args.join(' ')} ended with ${String(code)}`)
  return { seconds: (performance.now() - started) / 1_000, cpu, memory, stdout }
}

/** Prints what a command took for so many letters. */
export function report(what: string, letters: number, { seconds, cpu, memory }: Use): void {
  const rate = Math.round(letters / seconds).toLocaleString('en')
  console.log(
    `${letters.toLocaleString('en')} letters ${what} in ${seconds.toFixed(1)} s: ${rate} a second; CPU ${cpu.toFixed(1)} s, ${memory} MiB`,
  )
}
