import { vi } from 'vitest'
import { kafkaBrokers } from '../support/kafka/open.ts'
import { createTopics, uniqueName } from '../support/kafka/records.ts'
import { makeDirectory, startOxbow, type Started } from './oxbow.ts'

export const partitions = 4

/** Says which thread it runs in, and takes its time. */
const operator = `import { setTimeout } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
export default async function work(record) {
  await setTimeout(2)
  return { ...record, thread: threadId }
}
`

export interface Scene {
  readonly directory: string
  readonly group: string
  readonly input: string
  readonly output: string
}

/** A pipeline over four partitions, in a directory of its own. @param session how long a lost member is waited for */
export async function makeScene(session: string, work = operator): Promise<Scene> {
  const group = uniqueName('scale')
  const [input, output] = [`${group}.in`, `${group}.out`]
  await createTopics(partitions, input, output)
  const config = `name: ${group}
broker: { kafka: { brokers: ${JSON.stringify(kafkaBrokers)}, timeouts: { session: ${session}, heartbeat: 500ms, transaction: 6s } } }
sources:
  ${input}: { topic: {} }
streams:
  s:
    from: ${input}
    steps: [{ use: { file: ./work.ts, concurrency: 8 } }]
    to: { topic: ${output} }
`
  return { directory: makeDirectory({ 'scale.yaml': config, 'work.ts': work }), group, input, output }
}

export const numbers = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ key: `k${n % 100}`, value: { n } }))

/** A process that runs the pipeline. */
export class Replica {
  readonly started: Started
  #url: string | undefined

  constructor({ directory }: Scene, ...words: readonly string[]) {
    this.started = startOxbow(directory, 'run', 'scale.yaml', '--port', '0', '--json', ...words)
  }

  /** Resolves when its threads have so many tasks. */
  async has(...tasks: readonly number[]): Promise<void> {
    await this.started.printed('Running')
    this.#url ??= /http:\/\/127\.0\.0\.1:\d+/.exec(this.started.output.stderr)![0]
    await vi.waitFor(
      async () => {
        const found = await this.#values('oxbow_thread_tasks')
        if (found.join() !== tasks.join()) throw new Error(`its threads have ${found.join()} tasks: ${this.log}`)
      },
      { timeout: 45_000, interval: 100 },
    )
  }

  /** Resolves when it has committed something. */
  async commits(): Promise<void> {
    await vi.waitFor(
      async () => {
        const [commits] = await this.#values('oxbow_commits_total')
        if (!commits) throw new Error(`nothing is committed: ${this.log}`)
      },
      { timeout: 45_000, interval: 20 },
    )
  }

  get log(): string {
    return this.started.output.stderr.slice(-5_000)
  }

  async end(signal: NodeJS.Signals) {
    this.started.child.kill(signal)
    return this.started.ended
  }

  async #values(metric: string): Promise<number[]> {
    const text = await (await fetch(`${this.#url}/metrics`)).text()
    const lines = text.split('\n').filter((line) => line.startsWith(`${metric}{`))
    return lines.map((line) => Number(line.split(' ').at(-1)))
  }
}
