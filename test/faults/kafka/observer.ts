import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { pythonWithKafka } from './python.ts'

/** Ids, from the first to before the last. */
export interface Range {
  readonly from: number
  readonly to: number
}

export interface Count {
  readonly lost: number
  readonly doubled: number
  /** Ids that came after a larger one of their key. */
  readonly disordered: number
  /** Of a pipeline that counts: keys and windows whose counts are not 1, 2, 3 to the number of their ids. */
  readonly miscounted: number
  /** Those whose last count is too small. */
  readonly undercounted: number
}

/** Writes records and counts what comes out, by librdkafka, in a process of its own: see observer.py. */
export class Observer {
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>
  #last: Promise<unknown> = Promise.resolve()

  constructor(bootstrap: readonly string[]) {
    const script = join(import.meta.dirname, 'observer.py')
    this.#process = spawn(pythonWithKafka(), [script, bootstrap.join(',')], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]()
  }

  async open(
    source: string,
    outs: readonly string[],
    { partitions, ...kind }: { readonly partitions: number; readonly repeats: boolean; readonly counts: boolean },
  ): Promise<void> {
    await this.#ask('open', { source, outs, partitions, ...kind })
  }

  /** Writes records at a rate a second, so many of them at most ahead of what has come out. @returns the first id */
  async produce(rate: number, ahead: number): Promise<number> {
    return (await this.#ask('produce', { rate, ahead })) as number
  }

  /** @returns the id after the last that was written */
  async pause(): Promise<number> {
    return (await this.#ask('pause', {})) as number
  }

  /** Ids of a range that were written, and that have come out. */
  async progress(range: Pick<Range, 'from'> & Partial<Range>): Promise<{ written: number; seen: number }> {
    return (await this.#ask('progress', range)) as { written: number; seen: number }
  }

  /** Resolves when nothing more can come of what was written, once no replica runs. */
  async drain(): Promise<void> {
    await this.#ask('drain', {})
  }

  async count(range: Range): Promise<Count> {
    return (await this.#ask('count', range)) as Count
  }

  /** Records that were written to the source, and that are in each of the topics that come of it. */
  async totals(): Promise<{ written: number; outs: [number, number] }> {
    return (await this.#ask('totals', {})) as { written: number; outs: [number, number] }
  }

  async configure(topic: string, name: string, value: string): Promise<void> {
    await this.#ask('configure', { topic, name, value })
  }

  /** Makes the first replica of each partition its leader. */
  async elect(): Promise<void> {
    await this.#ask('elect', {})
  }

  /** Deletes the topics. */
  async close(): Promise<void> {
    await this.#ask('close', {})
  }

  end(): void {
    this.#process.kill('SIGKILL')
  }

  #ask(operation: string, request: object): Promise<unknown> {
    const answer = this.#last.then(async () => {
      this.#process.stdin!.write(`${JSON.stringify({ operation, ...request })}\n`)
      const { value, done } = await this.#answers.next()
      if (done) throw new Error(`The observer ended at ${operation}.`)
      const { answer, failure } = JSON.parse(value) as { answer: unknown; failure?: string }
      if (failure !== undefined) throw new Error(failure)
      return answer
    })
    this.#last = answer.catch(() => {})
    return answer
  }
}
