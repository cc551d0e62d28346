import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const main = new URL('../../../bin/oxbow.js', import.meta.url).pathname

/** Processes that run the same pipeline by the command line. */
export class Replicas {
  readonly #config: string
  readonly #logFile: string
  #running: ChildProcess[] = []

  constructor(config: string, logFile: string) {
    this.#config = config
    this.#logFile = logFile
  }

  get log(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-20_000)
  }

  get count(): number {
    return this.#running.length
  }

  start(): void {
    const log = openSync(this.#logFile, 'a')
    this.#running.push(
      spawn(process.execPath, [main, 'run', this.#config, '--no-http'], { stdio: ['ignore', log, log] }),
    )
  }

  /** Resolves when the first of them is at work. */
  async working(): Promise<void> {
    const deadline = Date.now() + 60_000
    while (!this.log.includes('Running')) {
      if (Date.now() > deadline) throw new Error(`The replicas do not start:\n${this.log}`)
      await setTimeout(50)
    }
    await setTimeout(500)
  }

  signal(at: number, signal: NodeJS.Signals): void {
    this.#running[at]!.kill(signal)
  }

  async kill(at: number): Promise<void> {
    await this.#end(at, 'SIGKILL')
  }

  /** Asks it to stop. */
  async leave(at: number): Promise<void> {
    await this.#end(at, 'SIGTERM')
  }

  async stop(): Promise<void> {
    while (this.#running.length > 0) await this.#end(0, 'SIGKILL')
  }

  async #end(at: number, signal: NodeJS.Signals): Promise<void> {
    const [child] = this.#running.splice(at, 1)
    if (child!.exitCode !== null || child!.signalCode !== null) return
    const gone = once(child!, 'exit')
    child!.kill(signal)
    await gone
  }
}
