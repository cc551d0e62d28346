import { setTimeout } from 'node:timers/promises'
import type { Cluster } from '../../support/kafka/cluster.ts'
import { apiKeys, type ApiName, type Proxy } from '../../support/kafka/proxy.ts'
import { groupCoordinator, openTransactions, rotateReplicas, transactionCoordinator } from './leaders.ts'
import type { Observer } from './observer.ts'
import type { Timeouts } from './pipelines.ts'
import type { Replicas } from './replicas.ts'

/** What a fault can get at. */
export interface Setting {
  readonly replicas: Replicas
  readonly cluster: Cluster
  readonly proxies: readonly Proxy[]
  readonly observer: Observer
  /** From 0 to 1. */
  readonly random: () => number
  /** The pipeline's, which is its group and its client id too. */
  readonly name: string
  readonly deadLetters: string
  readonly timeouts: Timeouts
  readonly transactional: boolean
  /** To be called when the fault strikes: it counts, and whether there is work just then. */
  readonly struck: () => Promise<void>
}

type Fault = (setting: Setting) => Promise<void>

/** Milliseconds between two numbers. */
const between = ({ random }: Setting, least: number, most: number): number => least + random() * (most - least)

const pause = (setting: Setting, least: number, most: number) => setTimeout(between(setting, least, most))

const pick = ({ random }: Setting, count: number): number => Math.floor(random() * count)

/** A node dies, and comes back. */
async function killNode(setting: Setting, node: number): Promise<void> {
  const { cluster, struck } = setting
  await struck()
  await cluster.nodes[node]!.killed()
  await pause(setting, 200, 4_000)
  cluster.nodes[node]!.start()
  await cluster.ready()
}

/** A replica stands still for some milliseconds, in the middle of a transaction, and goes on as if nothing had been. */
async function freeze(setting: Setting, least: number, most: number): Promise<void> {
  const { replicas, struck } = setting
  const one = pick(setting, replicas.count)
  for (;;) {
    replicas.signal(one, 'SIGSTOP')
    if (await transactionStands(setting)) break
    replicas.signal(one, 'SIGCONT')
    await pause(setting, 0, 100)
  }
  await struck()
  await pause(setting, least, most)
  replicas.signal(one, 'SIGCONT')
}

/** Whether a transaction is open that does not go on. Where there are none, any moment will do. */
async function transactionStands({ cluster, name, transactional }: Setting): Promise<boolean> {
  if (!transactional) return true
  const before = await openTransactions(cluster, name)
  await setTimeout(500)
  const after = await openTransactions(cluster, name)
  return [...before].some(([id, start]) => after.get(id) === start)
}

/** Each is one round; afterwards as many replicas run as before. */
export const faults = {
  processKill: async (setting) => {
    for (let n = 0; n < 2; n++) {
      await pause(setting, 200, 1_500)
      await setting.struck()
      await setting.replicas.end(pick(setting, setting.replicas.count), 'SIGKILL')
      setting.replicas.start()
    }
  },
  brokerKill: async (setting) => killNode(setting, pick(setting, setting.cluster.nodes.length)),
  groupCoordinatorKill: async (setting) => killNode(setting, await groupCoordinator(setting.cluster, setting.name)),
  transactionCoordinatorKill: async (setting) =>
    killNode(
      setting,
      setting.transactional
        ? await transactionCoordinator(setting.cluster, setting.name)
        : pick(setting, setting.cluster.nodes.length),
    ),
  brokerStop: async (setting) => {
    const node = setting.cluster.nodes[pick(setting, setting.cluster.nodes.length)]!
    await setting.struck()
    await node.stopped()
    await pause(setting, 0, 1_000)
    node.start()
    await setting.cluster.ready()
  },
  leaderChange: async (setting) => {
    for (let n = 0; n < 2; n++) {
      await rotateReplicas(setting.cluster)
      await pause(setting, 100, 1_000)
      await setting.struck()
      await setting.observer.elect()
    }
  },
  allBrokersKill: async (setting) => {
    await setting.struck()
    await Promise.all(setting.cluster.nodes.map((node) => node.killed()))
    for (const node of setting.cluster.nodes) node.start()
    await setting.cluster.ready()
  },
  rebalances: async (setting) => {
    for (let n = 0; n < 2; n++) {
      await setting.struck()
      setting.replicas.start()
      await pause(setting, 1_500, 3_000)
      await setting.struck()
      await setting.replicas.end(pick(setting, setting.replicas.count - 1), 'SIGTERM')
    }
  },
  rebalanceStorm: async (setting) => {
    for (let n = 0; n < 4; n++) setting.replicas.start()
    for (let n = 0; n < 4; n++) {
      await pause(setting, 100, 1_500)
      await setting.struck()
      await setting.replicas.end(pick(setting, setting.replicas.count), setting.random() < 0.5 ? 'SIGTERM' : 'SIGKILL')
    }
  },
  zombie: async (setting) => {
    const { session, transaction } = setting.timeouts
    await freeze(setting, session, transaction - 1_500)
  },
  transactionTimeout: async (setting) => {
    const { session, transaction } = setting.timeouts
    await freeze(setting, transaction + 600, session - 1_500)
  },
  networkCut: async (setting) => {
    for (let n = 0; n < 2; n++) {
      await pause(setting, 200, 1_500)
      const some = setting.proxies.filter(() => setting.random() < 0.6)
      await setting.struck()
      for (const proxy of some) proxy.cut()
      await pause(setting, 300, 5_000)
      for (const proxy of some) proxy.heal()
    }
  },
  lostAnswers: async (setting) => {
    const names = Object.keys(apiKeys) as ApiName[]
    for (let n = 0; n < 12; n++) {
      await setting.struck()
      for (const proxy of setting.proxies) proxy.loseNext(names[pick(setting, names.length)]!)
      await pause(setting, 50, 400)
    }
  },
  deadLettersRefused: async (setting) => {
    const { observer, deadLetters, struck } = setting
    await struck()
    await observer.configure(deadLetters, 'max.message.bytes', '100')
    await pause(setting, 1_000, 4_000)
    await observer.configure(deadLetters, 'max.message.bytes', '1048588')
  },
} satisfies { readonly [name: string]: Fault }

export type FaultName = keyof typeof faults

/** A frozen replica outlives its session, its transaction, or both, as the fault needs it. */
export const timeoutsFor = (fault: FaultName): Timeouts =>
  fault === 'transactionTimeout' ? { session: 8_000, transaction: 2_000 } : { session: 3_000, transaction: 7_000 }
