/**
 * The fault matrix: each fault at random moments, under each guarantee, on three Kafka nodes of this machine, while two
 * replicas of the command line work; then librdkafka counts. See docs/guide/faults.md for its results.
 *
 *   npm run test:faults
 *   OXBOW_FAULTS=brokerKill,zombie OXBOW_GUARANTEES=exactlyOnce OXBOW_ROUNDS=3 OXBOW_SEED=7 npm run test:faults
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Cluster } from '../../support/kafka/cluster.ts'
import { Proxy } from '../../support/kafka/proxy.ts'
import { faults, type FaultName } from './faults.ts'
import { python } from './python.ts'
import { Replicas } from './replicas.ts'
import { seededRandom } from './random.ts'

const guarantees = ['atLeastOnce', 'exactlyOnce'] as const
const listed = <T extends string>(name: string, all: readonly T[]): T[] => {
  const given = process.env[name]?.split(',')
  return all.filter((each) => given?.includes(each) ?? true)
}

const rounds = Number(process.env['OXBOW_ROUNDS'] ?? 10)
const events = Number(process.env['OXBOW_EVENTS'] ?? 120_000)
const firstSeed = Number(process.env['OXBOW_SEED'] ?? 1)
const results = process.env['OXBOW_RESULTS']
const nodes = 3
const partitions = 4
const patience = 180_000

type Guarantee = (typeof guarantees)[number]

/** Where the rounds take place. */
interface Field {
  readonly cluster: Cluster
  readonly proxies: readonly Proxy[]
  readonly bootstrap: string
}

interface Verdict {
  readonly lost: number
  readonly doubled: number
  readonly disordered: number
  readonly out: number
  readonly dead: number
}

async function round(
  { cluster, proxies, bootstrap }: Field,
  fault: FaultName,
  guarantee: Guarantee,
  seed: number,
): Promise<Verdict & { seconds: number }> {
  const started = Date.now()
  const name = `${fault}-${guarantee}-${seed}-${started}`
  const [source, out] = [`in.${name}`, `out.${name}`]
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-faults-'))
  writeFileSync(join(directory, 'slowly.mjs'), slowly)
  const config = join(directory, 'pipeline.yaml')
  writeFileSync(config, pipeline({ name, source, out, guarantee, bootstrap }))
  await python('produceIds.py', [bootstrap, String(events), String(partitions), source])
  const replicas = new Replicas(config, join(directory, 'log'))
  const random = seededRandom(seed)
  replicas.start()
  replicas.start()
  try {
    await replicas.working()
    await faults[fault]({ replicas, cluster, proxies, random, bootstrap, deadLetters: `dlq.${source}` })
    const verdict = await settled(bootstrap, source, out)
    if (verdict.lost > 0 || (guarantee === 'exactlyOnce' && verdict.doubled > 0)) console.error(replicas.log)
    return { ...verdict, seconds: Math.round((Date.now() - started) / 1_000) }
  } finally {
    await replicas.stop()
    await cluster.ready()
    rmSync(directory, { recursive: true })
  }
}

/** Counts until all ids have come out, and once more a while later; or until nobody believes in it any more. */
async function settled(bootstrap: string, source: string, out: string): Promise<Verdict> {
  const args = [bootstrap, String(events), String(partitions), out, `dlq.${source}`]
  const deadline = Date.now() + patience
  const count = async (): Promise<Verdict> => {
    for (;;) {
      try {
        return JSON.parse(await python('verdict.py', args)) as Verdict
      } catch (thrown) {
        if (Date.now() > deadline) throw thrown // Before that, a leader may just be moving.
        await setTimeout(1_000)
      }
    }
  }
  while ((await count()).lost > 0 && Date.now() < deadline) await setTimeout(1_000)
  await setTimeout(3_000)
  return count()
}

function pipeline({ name, source, out, guarantee, bootstrap }: { readonly [part: string]: string }): string {
  return `
name: ${name}
broker:
  kafka:
    brokers: [${bootstrap!
      .split(',')
      .map((each) => `"${each}"`)
      .join(', ')}]
    timeouts: { session: 6s, heartbeat: 500ms, transaction: 8s, request: 5s, delivery: 20s }
guarantee: ${guarantee}
sources:
  ${source}: { topic: { format: json }, partitions: ${partitions} }
deadLetters: { retry: { attempts: 0 } }
streams:
  checked:
    from: ${source}
    steps:
      - validate: { schema: { type: object, properties: { price: { type: number, maximum: 1 } } } }
      - use: ./slowly.mjs
      - map: { id: record.id, market: record.market }
    to: { topic: { name: ${out}, partitions: ${partitions} } }
`
}

const slowly = `
/** Some work on each record, so that a round lasts long enough for its faults. */
export default (value) => {
  const end = performance.now() + 0.08
  while (performance.now() < end);
  return value
}
`

const proxies = await Promise.all(Array.from({ length: nodes }, () => Proxy.listen()))
const cluster = await Cluster.start({ nodes, proxies })
const field = { cluster, proxies, bootstrap: proxies.map(({ port }) => `127.0.0.1:${port}`).join(',') }
try {
  for (const fault of listed('OXBOW_FAULTS', Object.keys(faults) as FaultName[])) {
    for (const guarantee of listed('OXBOW_GUARANTEES', guarantees)) {
      for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
        const verdict = await round(field, fault, guarantee, seed)
        const ok = verdict.lost === 0 && (guarantee === 'atLeastOnce' || verdict.doubled === 0)
        if (!ok) process.exitCode = 1
        const line = JSON.stringify({ fault, guarantee, seed, ...verdict, ok })
        console.log(line)
        if (results) appendFileSync(results, `${line}\n`)
      }
    }
  }
} finally {
  cluster.kill()
  for (const proxy of proxies) proxy.close()
}
