import { setTimeout } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import type { Cluster } from '../../support/kafka/cluster.ts'
import { apiKeys, type ApiName, type Proxy } from '../../support/kafka/proxy.ts'
import type { Replicas } from './replicas.ts'

/** What a fault can get at. */
export interface Setting {
  readonly replicas: Replicas
  readonly cluster: Cluster
  readonly proxies: readonly Proxy[]
  /** From 0 to 1. */
  readonly random: () => number
  readonly bootstrap: string
  readonly deadLetters: string
}

/** Milliseconds between two numbers. */
const between = ({ random }: Setting, least: number, most: number): number => least + random() * (most - least)

const pick = ({ random }: Setting, count: number): number => Math.floor(random() * count)

export const faults = {
  processKill: async (setting) => {
    for (let n = 0; n < 4; n++) {
      await setTimeout(between(setting, 200, 1_500))
      await setting.replicas.kill(pick(setting, setting.replicas.count))
      setting.replicas.start()
    }
  },
  brokerKill: async (setting) => {
    for (let n = 0; n < 2; n++) {
      await setTimeout(between(setting, 200, 1_500))
      const node = setting.cluster.nodes[pick(setting, setting.cluster.nodes.length)]!
      await node.killed()
      await setTimeout(between(setting, 200, 3_000))
      node.start()
      await setting.cluster.ready()
    }
  },
  rebalances: async (setting) => {
    for (let n = 0; n < 4; n++) {
      await setTimeout(between(setting, 200, 1_200))
      setting.replicas.start()
      await setTimeout(between(setting, 500, 2_000))
      await setting.replicas.leave(pick(setting, setting.replicas.count - 1))
    }
  },
  zombie: async (setting) => {
    for (let n = 0; n < 2; n++) {
      await setTimeout(between(setting, 200, 1_000))
      const one = pick(setting, setting.replicas.count)
      setting.replicas.signal(one, 'SIGSTOP')
      await setTimeout(between(setting, 6_500, 10_000))
      setting.replicas.signal(one, 'SIGCONT')
    }
  },
  networkCut: async (setting) => {
    for (let n = 0; n < 3; n++) {
      await setTimeout(between(setting, 200, 1_500))
      const some = setting.proxies.filter(() => setting.random() < 0.6)
      for (const proxy of some) proxy.cut()
      await setTimeout(between(setting, 300, 8_000))
      for (const proxy of some) proxy.heal()
    }
  },
  lostAnswers: async (setting) => {
    const names = Object.keys(apiKeys) as ApiName[]
    for (let n = 0; n < 20; n++) {
      for (const proxy of setting.proxies) proxy.loseNext(names[pick(setting, names.length)]!)
      await setTimeout(between(setting, 50, 300))
    }
  },
  deadLettersRefused: async (setting) => {
    const admin = new Kafka({ brokers: setting.bootstrap.split(','), logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const largest = async (bytes: string): Promise<void> => {
      const configEntries = [{ name: 'max.message.bytes', value: bytes }]
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name: setting.deadLetters, configEntries }],
      })
    }
    await setTimeout(between(setting, 0, 500))
    await largest('100')
    await setTimeout(between(setting, 1_000, 4_000))
    await largest('1048588')
    await admin.disconnect()
  },
  transactionTimeout: async (setting) => {
    for (let n = 0; n < 2; n++) {
      await setTimeout(between(setting, 200, 1_000))
      // Longer than the transaction timeout: the coordinator aborts what was open.
      const one = pick(setting, setting.replicas.count)
      setting.replicas.signal(one, 'SIGSTOP')
      await setTimeout(between(setting, 9_000, 12_000))
      setting.replicas.signal(one, 'SIGCONT')
    }
  },
} satisfies { readonly [name: string]: (setting: Setting) => Promise<void> }

export type FaultName = keyof typeof faults
