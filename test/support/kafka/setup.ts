import { execFileSync } from 'node:child_process'
import { GenericContainer, Wait } from 'testcontainers'
import type { TestProject } from 'vitest/node'
import { Cluster } from './cluster.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** host:port of a Kafka cluster, or why there is none. */
    readonly kafka: { readonly brokers: readonly string[] } | { readonly missing: string }
  }
}

/** Finds a Kafka for the tests: KAFKA_BOOTSTRAP_SERVERS, else Docker, else Java and Maven. Under CI there must be one. */
export default async function setup({ provide }: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env['KAFKA_BOOTSTRAP_SERVERS']
  if (given) {
    provide('kafka', { brokers: given.split(',') })
    return undefined
  }
  try {
    const { brokers, stop } = hasDocker() ? await startContainer() : await startNode()
    provide('kafka', { brokers })
    return stop
  } catch (thrown) {
    const missing = `No Kafka: set KAFKA_BOOTSTRAP_SERVERS, or have Docker, or Java 17 and Maven. ${(thrown as Error).message}`
    if (process.env['CI']) throw new Error(missing, { cause: thrown })
    console.warn(missing)
    provide('kafka', { missing })
    return undefined
  }
}

interface Running {
  readonly brokers: readonly string[]
  readonly stop: () => Promise<void>
}

async function startNode(): Promise<Running> {
  const cluster = await Cluster.start({ nodes: 1 })
  return { brokers: cluster.bootstrap, stop: async () => cluster.kill() }
}

function hasDocker(): boolean {
  try {
    execFileSync('docker', ['version'], { stdio: 'ignore', timeout: 5_000 })
    return true
  } catch {
    return false
  }
}

const port = 19092

/** The image's own settings, but for the address that it tells clients: a port of this machine, known before it starts. */
async function startContainer(): Promise<Running> {
  const listeners = `PLAINTEXT://:${port},CONTROLLER://:9093`
  const container = await new GenericContainer('apache/kafka:4.3.1')
    .withExposedPorts({ container: port, host: port })
    .withEnvironment({
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_NODE_ID: '1',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_LISTENERS: listeners,
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start()
  return { brokers: [`127.0.0.1:${port}`], stop: async () => void (await container.stop()) }
}
