import { Worker } from 'node:worker_threads'
import { endRequest, type Answers, type Assignment, type Message, type Request } from './messages.ts'

/** As bin/oxbow.js sets it for the main thread: three semi-spaces of 32 MiB. */
const resourceLimits = { maxYoungGenerationSizeMb: 96 }

/** A worker thread is no more; the message says why. */
export class ThreadDied extends Error {
  override readonly name = 'ThreadDied'
}

interface Waiting {
  readonly resolve: (answer: never) => void
  readonly reject: (error: Error) => void
}

/** One worker thread, and what it is asked. */
export class RunningWorker {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #last = 0
  #reason: Error | undefined
  #death: ThreadDied | undefined
  /** Resolves when the thread has ended, with why. */
  readonly ended: Promise<ThreadDied>

  /** @param write takes the lines of its log */
  constructor(assignment: Assignment, write: (line: string) => void) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const file = new URL(`./thread.${extension}`, import.meta.url)
    this.#worker = new Worker(file, { workerData: assignment, resourceLimits, name: `oxbow-${assignment.thread}` })
    this.#worker.on('message', (message: Message) => {
      if ('line' in message) write(message.line)
      else this.#settle(message)
    })
    this.#worker.on('error', (thrown: unknown) => {
      this.#reason ??= thrown instanceof Error ? thrown : new Error(String(thrown))
    })
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => resolve(this.#close(code)))
    })
  }

  /** @throws Error what went wrong in the thread, or ThreadDied */
  ask<Call extends keyof Answers>(
    call: Call,
    pipeline: number,
    details: Pick<Request, 'settled' | 'query' | 'address'> = {},
  ): Promise<Answers[Call]> {
    return new Promise((resolve, reject) => {
      if (this.#death) return reject(this.#death)
      const id = ++this.#last
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, call, pipeline, ...details } satisfies Request)
    })
  }

  /** Has it close its connections and end. */
  async end(): Promise<void> {
    this.#worker.postMessage(endRequest)
    await this.ended
  }

  /** Ends it at once. @param reason what is said of it */
  kill(reason: Error): void {
    this.#reason ??= reason
    void this.#worker.terminate()
  }

  #close(code: number): ThreadDied {
    const { message } = this.#reason ?? { message: `it ended with exit code ${code}` }
    this.#death = new ThreadDied(message, { cause: this.#reason })
    for (const { reject } of this.#waiting.values()) reject(this.#death)
    this.#waiting.clear()
    return this.#death
  }

  #settle(message: Exclude<Message, { readonly line: string }>): void {
    const { resolve, reject } = this.#waiting.get(message.id)!
    this.#waiting.delete(message.id)
    if ('problem' in message) reject(new Error(message.problem))
    else resolve(message.answer as never)
  }
}
