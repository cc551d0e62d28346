import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { kafkaClassPath } from './jars.ts'
import type { Proxy } from './proxy.ts'

export interface ClusterOptions {
  readonly nodes: number
  /** One before each node: clients that come through it are sent on through the others. */
  readonly proxies?: readonly Proxy[]
  /** Ways to connect besides plain text, on every node. */
  readonly listeners?: readonly Listener[]
  /** Settings of every node, by Kafka's names. */
  readonly settings?: { readonly [key: string]: string }
  /** Users that SCRAM knows: what `kafka-storage format --add-scram` takes. */
  readonly scram?: readonly string[]
  /** Of each node, as Java's -Xmx says it; 512m by default. */
  readonly heap?: string
}

export interface Listener {
  /** In capitals. */
  readonly name: string
  readonly protocol: 'SASL_PLAINTEXT' | 'SASL_SSL' | 'SSL'
  /** By Kafka's names, without the listener's own. */
  readonly settings: { readonly [key: string]: string }
}

/** Kafka nodes of this machine, each a process that is broker and controller. */
export class Cluster {
  readonly #nodes: KafkaNode[]
  readonly #directory: string

  private constructor(nodes: KafkaNode[], directory: string) {
    this.#nodes = nodes
    this.#directory = directory
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const { nodes: count, proxies = [], listeners = [], scram = [], heap = '512m' } = options
    const classPath = kafkaClassPath()
    const directory = mkdtempSync(join(tmpdir(), 'oxbow-kafka-'))
    const ports = await freePorts((3 + listeners.length) * count)
    const controllers = ports.slice(count, 2 * count)
    const proxied = ports.slice(2 * count, 3 * count)
    const others = ports.slice(3 * count)
    const voters = controllers.map((port, id) => `${id}@127.0.0.1:${port}`).join(',')
    const uuid = java(classPath, ['kafka.tools.StorageTool', 'random-uuid']).trim()
    const nodes = Array.from({ length: count }, (_, id) => {
      const place = { id, port: ports[id]!, proxied: proxied[id]!, controller: controllers[id]! }
      const own = listeners.map((listener, at) => ({ ...listener, port: others[id * listeners.length + at]! }))
      const base = settings(place, voters, count, directory, proxies[id])
      const all = [...base, ...Object.entries(options.settings ?? {})]
      return new KafkaNode(classPath, join(directory, String(id)), withListeners(new Map(all), own), own, heap)
    })
    for (const [id, proxy] of proxies.entries()) proxy.target = proxied[id]!
    for (const node of nodes) node.format(uuid, scram)
    const cluster = new Cluster(nodes, directory)
    process.once('exit', () => cluster.kill())
    for (const node of nodes) node.start()
    try {
      await cluster.ready()
    } catch (thrown) {
      cluster.kill()
      throw thrown
    }
    return cluster
  }

  get nodes(): readonly KafkaNode[] {
    return this.#nodes
  }

  /** host:port of each node, past the proxies */
  get bootstrap(): string[] {
    return this.#nodes.map(({ port }) => `127.0.0.1:${port}`)
  }

  /** Resolves when all nodes are up. */
  async ready(): Promise<void> {
    const kafka = new Kafka({ brokers: this.bootstrap, logLevel: logLevel.NOTHING, retry: { retries: 0 } })
    const deadline = Date.now() + 60_000
    for (;;) {
      const admin = kafka.admin()
      try {
        await admin.connect()
        const { brokers } = await admin.describeCluster()
        if (brokers.length === this.#nodes.length) return
      } catch (thrown) {
        if (Date.now() > deadline)
          throw new Error(`Kafka does not start:\n${this.#nodes[0]!.lastWords}`, { cause: thrown })
      } finally {
        await admin.disconnect().catch(() => {})
      }
      await setTimeout(200)
    }
  }

  /** Ends all at once; their data is deleted. */
  kill(): void {
    for (const node of this.#nodes) node.kill()
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

export class KafkaNode {
  readonly #classPath: string
  readonly #directory: string
  readonly #settings: ReadonlyMap<string, string>
  readonly #listeners: readonly BoundListener[]
  readonly #heap: string
  #process: ChildProcess | undefined

  constructor(
    classPath: string,
    directory: string,
    settings: ReadonlyMap<string, string>,
    listeners: readonly BoundListener[],
    heap: string,
  ) {
    this.#classPath = classPath
    this.#directory = directory
    this.#settings = settings
    this.#listeners = listeners
    this.#heap = heap
  }

  get port(): number {
    return Number(this.#settings.get('listeners')!.split(/[:,]/)[2])
  }

  /** host:port of a listener */
  address(name: string): string {
    return `127.0.0.1:${this.#listeners.find((listener) => listener.name === name)!.port}`
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  get lastWords(): string {
    return readFileSync(this.#log, 'utf8').slice(-4_000)
  }

  get #log(): string {
    return `${this.#directory}.log`
  }

  format(uuid: string, scram: readonly string[]): void {
    writeFileSync(
      `${this.#directory}.properties`,
      [...this.#settings].map(([key, value]) => `${key}=${value}`).join('\n'),
    )
    const users = scram.flatMap((user) => ['--add-scram', user])
    const words = ['format', '-t', uuid, '-c', `${this.#directory}.properties`, ...users]
    java(this.#classPath, ['kafka.tools.StorageTool', ...words])
  }

  start(): void {
    const log = openSync(this.#log, 'a')
    const args = [`-Xmx${this.#heap}`, '-cp', this.#classPath, 'kafka.Kafka', `${this.#directory}.properties`]
    this.#process = spawn('java', args, { stdio: ['ignore', log, log] })
  }

  kill(): void {
    this.#process?.kill('SIGKILL')
  }

  /** Resolves when the process is gone. */
  async killed(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Hands over what it leads, and ends. */
  async stopped(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const gone = once(running, 'exit')
    running.kill(signal)
    await gone
  }
}

interface BoundListener extends Listener {
  readonly port: number
}

function withListeners(settings: Map<string, string>, listeners: readonly BoundListener[]): Map<string, string> {
  const append = (key: string, text: string) => settings.set(key, `${settings.get(key)},${text}`)
  for (const { name, protocol, port, settings: own } of listeners) {
    append('listeners', `${name}://127.0.0.1:${port}`)
    append('advertised.listeners', `${name}://127.0.0.1:${port}`)
    append('listener.security.protocol.map', `${name}:${protocol}`)
    for (const [key, value] of Object.entries(own)) settings.set(`listener.name.${name.toLowerCase()}.${key}`, value)
  }
  return settings
}

interface Place {
  readonly id: number
  readonly port: number
  /** Where its proxy connects to. */
  readonly proxied: number
  readonly controller: number
}

function settings(
  { id, port, proxied, controller }: Place,
  voters: string,
  count: number,
  directory: string,
  proxy?: Proxy,
) {
  const replicas = String(Math.min(3, count))
  const inSync = count >= 3 ? '2' : '1'
  const own = `PLAINTEXT://127.0.0.1:${port}`
  return new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', String(id)],
    ['controller.quorum.voters', voters],
    ['listeners', `${own},PROXIED://127.0.0.1:${proxied},CONTROLLER://127.0.0.1:${controller}`],
    ['advertised.listeners', `${own},PROXIED://127.0.0.1:${proxy?.port ?? proxied}`],
    ['listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT'],
    ['inter.broker.listener.name', 'PLAINTEXT'],
    ['controller.listener.names', 'CONTROLLER'],
    ['log.dirs', join(directory, String(id))],
    ['auto.create.topics.enable', 'false'],
    ['default.replication.factor', replicas],
    ['min.insync.replicas', inSync],
    ['offsets.topic.replication.factor', replicas],
    ['offsets.topic.num.partitions', '4'],
    ['transaction.state.log.replication.factor', replicas],
    ['transaction.state.log.min.isr', inSync],
    ['transaction.state.log.num.partitions', '4'],
    ['group.initial.rebalance.delay.ms', '0'],
    // Tests write records of long ago: only topics that say so lose them, every five minutes.
    ['log.retention.ms', '-1'],
    // What is dead is noticed within seconds: nodes, members, and transactions, which by default takes 10 s beyond their timeout.
    ['group.min.session.timeout.ms', '1000'],
    ['broker.heartbeat.interval.ms', '500'],
    ['broker.session.timeout.ms', '3000'],
    ['transaction.abort.timed.out.transaction.cleanup.interval.ms', '500'],
  ])
}

const java = (classPath: string, args: readonly string[]): string =>
  execFileSync('java', ['-cp', classPath, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
