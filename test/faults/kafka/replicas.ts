import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const main = new URL('../../../src/cli/main.ts', import.meta.url).pathname

/** Source records by their outcome, as `oxbow run --json` prints them when it stops. */
export interface Conservation {
  readonly source: string
  readonly read: number
  readonly emitted: number
  readonly dropped: number
  readonly dead: number
  readonly inFlight: number
}

/** Processes that run the same pipeline by the command line: without its launcher, so that signals reach them. */
export class Replicas {
  readonly #config: string
  readonly #logFile: string
  readonly #printed: string
  #running: ChildProcess[] = []
  /** Those that ended without being asked to. */
  deserted = 0

  constructor(config: string, directory: string) {
    this.#config = config
    this.#logFile = join(directory, 'log')
    this.#printed = join(directory, 'printed')
  }

  /** The end of what they logged. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-40_000)
  }

  get count(): number {
    return this.#running.length
  }

  start(): void {
    const args = ['--max-semi-space-size=32', main, 'run', this.#config, '--no-http', '--json']
    const log = openSync(this.#logFile, 'a')
    const child = spawn(process.execPath, args, { stdio: ['ignore', openSync(this.#printed, 'a'), log] })
    this.#running.push(child)
    child.once('exit', () => {
      if (!this.#running.includes(child)) return
      this.deserted++
      this.#running = this.#running.filter((each) => each !== child)
    })
  }

  signal(at: number, signal: NodeJS.Signals): void {
    this.#running[at]!.kill(signal)
  }

  /** Ends one by SIGKILL, or asks it to stop by SIGTERM. */
  async end(at: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const [child] = this.#running.splice(at, 1)
    const gone = once(child!, 'exit')
    child!.kill(signal)
    await gone
  }

  /**
   * Asks one after another to stop.
   * @returns what the last one says of the records since the pipeline first ran: the source's, and an internal topic's
   */
  async stop(): Promise<Conservation[]> {
    while (this.#running.length > 0) await this.end(0, 'SIGTERM')
    const lines = readFileSync(this.#printed, 'utf8').split('\n').filter(Boolean)
    const said = lines.map((line) => JSON.parse(line) as Conservation)
    return said.slice(said.findLastIndex(({ source }) => source === said[0]!.source))
  }

  kill(): void {
    for (const child of this.#running.splice(0)) child.kill('SIGKILL')
  }
}
