// 10,000 retries that are due within a second, in the state of their task and on a retry topic, on the embedded broker and,
// where KAFKA_BOOTSTRAP_SERVERS is set, on Kafka; each case in a process of its own. Prints how late they are and the memory.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { asyncScheduler } from 'rxjs'
import { z } from 'zod'
import type { Broker } from '../src/broker/broker.ts'
import { openEmbedded } from '../src/broker/embedded/embedded.ts'
import { openKafka } from '../src/broker/kafka/kafka.ts'
import { defineOperator } from '../src/component/operator.ts'
import { RecordedFault } from '../src/record/fault.ts'
import { emit, fail } from '../src/record/outcome.ts'
import { topic as topicSink } from '../src/sinks/topic.ts'
import { topic as topicSource } from '../src/sources/topic.ts'
import { silentLog } from '../src/testing/operatorContext.ts'
import { allQuiet } from '../src/topology/allQuiet.ts'
import { kafkaSettings } from '../src/topology/kafkaConfig.ts'
import { Pipeline } from '../src/topology/pipeline.ts'
import { parseConfig } from '../src/topology/read.ts'
import { resolvePlan } from '../src/topology/resolve.ts'
import { planRetry } from '../src/topology/retryTopic.ts'

const count = 10_000
const partitions = 4
/** Milliseconds from the failure to the next try. */
const backoff = 5_000
const servers = process.env['KAFKA_BOOTSTRAP_SERVERS']
const [ladder, place] = process.argv.slice(2)

if (ladder !== undefined && place !== undefined) await measure(ladder, place)
else
  for (const where of ['embedded', ...(servers ? ['kafka'] : [])]) for (const how of ['state', 'topic']) run(how, where)

function run(how: string, where: string): void {
  execFileSync(process.execPath, ['--max-semi-space-size=32', import.meta.filename, how, where], { stdio: 'inherit' })
}

async function measure(how: string, where: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-bench-'))
  const broker = where === 'kafka' ? await kafkaBroker() : await openEmbedded({ directory, owner: true })
  const name = `retries-${Date.now()}`
  const tries: Tries = { due: new Map(), late: [] }
  const pipelines = pipelinesOf(name, how, tries, broker)

  const live = await start(pipelines())
  await append(broker, `${name}.in`, 0)
  await failed(tries, count)
  await allQuiet(live, { settled: true })
  const lastDue = Math.max(...tries.due.values())
  const late = tries.late.toSorted((a, b) => a - b)
  const spread = lastDue - Math.min(...tries.due.values())
  console.log(
    `${where}, ${how}: ${count} retries due within ${spread} ms: tried ${late[count / 2]} ms late (median), at most`,
    `${late.at(-1)} ms, all committed ${Date.now() - lastDue} ms after the last was due`,
  )

  // The next ones are all due when the pipelines start.
  await append(broker, `${name}.in`, count)
  await failed(tries, 2 * count)
  await allQuiet(live)
  await stop(live)
  await setTimeout(Math.max(0, Math.max(...tries.due.values()) - Date.now()))
  const again = await start(pipelines())
  const started = Date.now()
  await allQuiet(again, { settled: true })
  const took = Date.now() - started
  const [row] = await again[0]!.conservation()
  await stop(again)
  await broker.close()
  rmSync(directory, { recursive: true, force: true })
  const memory = Math.round(process.resourceUsage().maxRSS / 1_024)
  const right = row!.emitted === 2 * count && row!.inFlight === 0 && tries.late.length === 2 * count
  console.log(
    `${where}, ${how}: ${count} due at once: all committed in ${took} ms, ${Math.round((count * 1_000) / took)}/s;`,
    `${memory} MiB resident at most; ${right ? 'none lost, none doubled' : 'WRONG'}`,
  )
}

/** When each record is to be tried again, and how late it was. */
interface Tries {
  readonly due: Map<number, number>
  readonly late: number[]
}

/** Resolves when so many records have failed. */
async function failed(tries: Tries, number: number): Promise<void> {
  while (tries.due.size < number) await setTimeout(20)
}

function busyOnce({ due, late }: Tries) {
  const busy = new RecordedFault('service.busy', 'It is busy.', 'retry')
  return defineOperator({
    name: 'busyOnce',
    summary: 'Fails the first try of each record.',
    config: z.strictObject({}),
    faults: [],
    examples: [],
    build: () => (record) => {
      const { id } = record.value as { id: number }
      const at = due.get(id)
      if (at === undefined) {
        due.set(id, Date.now() + backoff)
        return fail(record, busy)
      }
      late.push(Date.now() - at)
      return emit(record)
    },
  })
}

/** Makes the pipelines of a ladder, anew at each call. */
function pipelinesOf(name: string, how: string, tries: Tries, broker: Broker): () => Pipeline[] {
  const catalog = { sources: [topicSource], operators: [busyOnce(tries)], sinks: [topicSink] }
  const config = {
    name,
    sources: { [`${name}.in`]: { topic: {}, partitions } },
    deadLetters: { retry: { backoff: [`${backoff}ms`], ...(how === 'topic' && { topic: '{source}.retry' }) } },
    streams: { s: { from: `${name}.in`, steps: [{ busyOnce: {} }], to: { topic: `${name}.out` } } },
  }
  const plan = resolvePlan(parseConfig(`${JSON.stringify(config)}\n`, 'retries.yaml', catalog, {}), catalog)
  const retry = planRetry(plan)
  const plans = [plan, ...(retry ? [retry] : [])]
  const parts = { broker, scheduler: asyncScheduler, log: silentLog, once: false }
  return () => plans.map((each) => new Pipeline({ ...parts, plan: each }))
}

async function start(pipelines: Pipeline[]): Promise<Pipeline[]> {
  for (const pipeline of pipelines) await pipeline.start()
  return pipelines
}

async function stop(pipelines: readonly Pipeline[]): Promise<void> {
  for (const pipeline of pipelines) await pipeline.stop()
}

function kafkaBroker(): Promise<Broker> {
  return openKafka({ settings: kafkaSettings({ brokers: servers!.split(',') }, '.'), guarantee: 'exactlyOnce' })
}

async function append(broker: Broker, topic: string, first: number): Promise<void> {
  const outputs = Array.from({ length: count }, (_, n) => ({
    topic,
    key: Buffer.from(`k${n % 100}`),
    value: Buffer.from(JSON.stringify({ id: first + n, note: 'x'.repeat(200) })),
    headers: [],
    timestamp: Date.now(),
  }))
  await broker.commit({ group: 'bench', task: 'append', outputs, offsets: [], state: [], counts: [] })
}
