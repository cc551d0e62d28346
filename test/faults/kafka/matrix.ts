/**
 * The fault matrix: each fault at random moments, under each guarantee, on three Kafka nodes of this machine, while two
 * replicas of the command line work; librdkafka writes and counts. How, and what came of it: docs/guide/faults.md.
 *
 *   npm run test:faults
 *   OXBOW_FAULTS=brokerKill,zombie OXBOW_GUARANTEES=exactlyOnce OXBOW_ROUNDS=3 OXBOW_SEED=7 npm run test:faults
 *   OXBOW_CLIENT=kafkajs npm run test:faults
 */
import { appendFileSync } from 'node:fs'
import { Cluster } from '../../support/kafka/cluster.ts'
import { Proxy } from '../../support/kafka/proxy.ts'
import { tryCell, type Cell } from './cell.ts'
import { faults, type FaultName } from './faults.ts'
import { Observer } from './observer.ts'
import { guarantees, pipelines, type PipelineName } from './pipelines.ts'

const listed = <T extends string>(name: string, all: readonly T[]): T[] => {
  const given = process.env[name]?.split(',')
  return all.filter((each) => given?.includes(each) ?? true)
}

const rounds = Number(process.env['OXBOW_ROUNDS'] ?? 10)
const firstSeed = Number(process.env['OXBOW_SEED'] ?? 1)
const results = process.env['OXBOW_RESULTS']
const nodes = 3

// So that the nodes and the replicas go too.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

const seeds = Array.from({ length: rounds }, (_, at) => firstSeed + at)
const proxies = await Promise.all(Array.from({ length: nodes }, () => Proxy.listen()))
const cluster = await Cluster.start({ nodes, proxies })
const observer = new Observer(cluster.bootstrap)
process.once('exit', () => observer.end())

/** Where state is at stake: unless they are asked for, the other cells of pipelines with state are left out. */
const stateful: readonly FaultName[] = ['processKill', 'brokerKill', 'rebalances', 'rebalanceStorm', 'zombie']
const isWorthwhile = ({ pipeline, fault, guarantee }: Cell): boolean =>
  pipeline === 'stateless' ||
  process.env['OXBOW_FAULTS'] !== undefined ||
  (guarantee === 'exactlyOnce' && stateful.includes(fault))

try {
  for (const pipeline of listed('OXBOW_PIPELINES', Object.keys(pipelines) as PipelineName[])) {
    for (const fault of listed('OXBOW_FAULTS', Object.keys(faults) as FaultName[])) {
      for (const guarantee of listed('OXBOW_GUARANTEES', guarantees)) {
        if (!isWorthwhile({ pipeline, fault, guarantee })) continue
        for (const verdict of await tryCell({ cluster, proxies, observer }, { fault, guarantee, pipeline }, seeds)) {
          if (!verdict.ok) process.exitCode = 1
          const line = JSON.stringify(verdict)
          console.log(line)
          if (results) appendFileSync(results, `${line}\n`)
        }
      }
    }
  }
} finally {
  observer.end()
  cluster.kill()
  for (const proxy of proxies) proxy.close()
}
