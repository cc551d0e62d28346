import { asyncScheduler } from 'rxjs'
import { onTestFinished } from 'vitest'
import { Ledger } from '../../../src/deadletter/ledger/ledger.ts'
import type { Broker } from '../../../src/broker/broker.ts'
import { openKafka } from '../../../src/broker/kafka/kafka.ts'
import type { KafkaConfig } from '../../../src/topology/kafkaConfig.ts'
import { catalog } from '../../../src/catalog.ts'
import { startServer } from '../../../src/server/server.ts'
import { Pipeline } from '../../../src/topology/pipeline.ts'
import { parseConfig } from '../../../src/topology/read.ts'
import { resolvePlan } from '../../../src/topology/resolve.ts'
import { testSettings } from './open.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** A member of a pipeline's group in this process, as `oxbow run` makes one of another. */
export interface Replica {
  readonly broker: Broker
  readonly pipeline: Pipeline
  /** What its broker had to say. */
  readonly said: readonly { readonly fields: object; readonly message: string }[]
  /** What its HTTP server answers. */
  get(path: string): Promise<{ readonly status: number; readonly body: unknown }>
  /** Leaves the group; done once. */
  stop(): Promise<void>
}

export interface ReplicaOptions {
  readonly client: NonNullable<KafkaConfig['client']>
  /** Where it keeps local copies of state; in memory, as the others of this process do, when absent. */
  readonly directory?: string
  /** Whether it tells the others where it answers; it does unless told otherwise. */
  readonly announces?: boolean
}

export async function startReplica(yaml: string, options: ReplicaOptions): Promise<Replica> {
  const { client, directory, announces = true } = options
  const plan = resolvePlan(parseConfig(yaml, 'replica.yaml', catalog, {}), catalog)
  const said: { readonly fields: object; readonly message: string }[] = []
  const note = (fields: object, message: string) => void said.push({ fields, message })
  const settings = testSettings({ client, timeouts: { session: 10_000, heartbeat: 200 } })
  const broker = await openKafka({
    settings,
    guarantee: 'exactlyOnce',
    notes: { info: note, warn: note },
    ...(directory !== undefined && { directory }),
  })
  const pipeline = new Pipeline({ plan, broker, scheduler: asyncScheduler, log, once: false })
  const server = await startServer({ port: 0, pipelines: [pipeline], broker, ledger: new Ledger(broker), log })
  if (announces) broker.announce(new URL(server.url).host)
  await pipeline.start()
  let stopped: Promise<void> | undefined
  const end = async () => {
    await server.close()
    await pipeline.stop()
    await broker.close()
  }
  const stop = () => (stopped ??= end())
  onTestFinished(stop)
  return {
    broker,
    pipeline,
    said,
    stop,
    get: async (path) => {
      const response = await fetch(`${server.url}${path}`)
      return { status: response.status, body: await response.json() }
    },
  }
}
