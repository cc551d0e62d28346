import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Cluster } from '../../support/kafka/cluster.ts'
import type { Proxy } from '../../support/kafka/proxy.ts'
import { faults, timeoutsFor, type FaultName, type Setting } from './faults.ts'
import type { Count, Observer, Range } from './observer.ts'
import { configOf, flaky, outsOf, sourceOf, type Guarantee, type PipelineName } from './pipelines.ts'
import { seededRandom } from './random.ts'
import { Replicas, type Conservation } from './replicas.ts'

/** Where it takes place. */
export interface Field {
  readonly cluster: Cluster
  readonly proxies: readonly Proxy[]
  readonly observer: Observer
}

/** What is tried. */
export interface Cell {
  readonly fault: FaultName
  readonly guarantee: Guarantee
  readonly pipeline: PipelineName
}

export interface Verdict extends Cell, Count {
  readonly seed: number
  readonly events: number
  /** How often the fault struck, and how often of these records were being processed. */
  readonly strikes: number
  readonly atWork: number
  readonly seconds: number
  /** Whether the ledger says of all rounds so far what is in the topics. */
  readonly ledger: boolean
  /** Replicas that ended by themselves. */
  readonly deserted: number
  readonly ok: boolean
}

type Round = Pick<Verdict, 'seed' | 'strikes' | 'atWork' | 'seconds'> & Range

const partitions = 4
/** Records a second while a round lasts, and how many of them may wait for the replicas. */
const rate = Number(process.env['OXBOW_RATE'] ?? 3_000)
const ahead = Math.round(rate * 2.7)
const patience = 90_000
const replicaCount = 2
/** Each 20th id is poison. */
const idsOf = ({ from, to }: Range): number => to - from

/** Rounds of a cell, one after another on the same pipeline, whose replicas work on from round to round. */
export async function tryCell(field: Field, cell: Cell, seeds: readonly number[]): Promise<Verdict[]> {
  const { observer, cluster, proxies } = field
  const name = `${cell.fault}-${cell.guarantee}-${cell.pipeline}-${Date.now()}`
  const timeouts = timeoutsFor(cell.fault)
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-faults-'))
  const brokers = proxies.map(({ port }) => `127.0.0.1:${port}`)
  const config = join(directory, 'pipeline.yaml')
  writeFileSync(join(directory, 'flaky.mjs'), flaky)
  writeFileSync(config, configOf({ ...cell, name, brokers, timeouts, partitions }))
  const [repeats, counts] = [cell.pipeline === 'dedupe', cell.pipeline === 'counted']
  await observer.open(sourceOf(name), outsOf(name), { partitions, repeats, counts })
  const replicas = new Replicas(config, directory)
  const end = (): void => replicas.kill()
  process.once('exit', end)
  const transactional = cell.guarantee === 'exactlyOnce'
  const setting = { ...field, replicas, name, timeouts, transactional, deadLetters: outsOf(name)[1] }
  for (let n = 0; n < replicaCount; n++) replicas.start()
  try {
    const rounds: Round[] = []
    for (const seed of seeds) {
      rounds.push(await round(setting, cell.fault, seed))
      if (!(await allSeen(observer, rounds.at(-1)!))) break
    }
    const conservation = await replicas.stop()
    await observer.drain()
    const ledger = await balances(setting, conservation, rounds)
    const verdicts: Verdict[] = []
    for (const { from, to, ...rest } of rounds) {
      const count = await observer.count({ from, to })
      const { deserted } = replicas
      const exact = count.doubled === 0 && count.disordered === 0 && count.miscounted === 0 && ledger
      const complete = count.lost === 0 && count.undercounted === 0
      const ok = complete && deserted === 0 && rest.atWork > 0 && (exact || !transactional)
      verdicts.push({ ...cell, ...rest, events: idsOf({ from, to }), ...count, ledger, deserted, ok })
    }
    keepLog(name, replicas, verdicts)
    return verdicts
  } catch (thrown) {
    keepLog(name, replicas, [])
    throw thrown
  } finally {
    end()
    process.off('exit', end)
    await cluster.ready()
    await observer.close()
    rmSync(directory, { recursive: true })
  }
}

async function round(setting: Omit<Setting, 'random' | 'struck'>, fault: FaultName, seed: number): Promise<Round> {
  const { observer, replicas } = setting
  const started = Date.now()
  let [strikes, atWork] = [0, 0]
  const from = await observer.produce(rate, ahead)
  const struck = async (): Promise<void> => {
    const { written, seen } = await observer.progress({ from })
    strikes++
    if (seen > 0 && seen < written) atWork++
  }
  await until(async () => (await observer.progress({ from })).seen > 0, 'The replicas do not begin')
  const random = seededRandom(seed)
  await faults[fault]({ ...setting, random, struck })
  await setTimeout(500 + 1_000 * random()) // Whatever the fault left behind meets traffic.
  const to = await observer.pause()
  await allSeen(observer, { from, to })
  while (replicas.count < replicaCount) replicas.start()
  return { seed, from, to, strikes, atWork, seconds: Math.round((Date.now() - started) / 1_000) }
}

/** Whether each id has come out, within a time. */
async function allSeen(observer: Observer, range: Range): Promise<boolean> {
  try {
    await until(async () => (await observer.progress(range)).seen === idsOf(range), 'Not all came out')
    return true
  } catch {
    return false
  }
}

async function until(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (const deadline = Date.now() + patience; !(await holds()); await setTimeout(100))
    if (Date.now() > deadline) throw new Error(otherwise)
}

/** Whether the pipeline's own ledger agrees with the topics: it has a line for the source, and one for an internal topic. */
async function balances(
  { observer, transactional }: Pick<Setting, 'observer' | 'transactional'>,
  said: readonly Conservation[],
  rounds: readonly Range[],
): Promise<boolean> {
  const { written, outs } = await observer.totals()
  const repeats = written - rounds.reduce((sum, range) => sum + idsOf(range), 0)
  const [first, last] = [said.at(0), said.at(-1)]
  if (!first || !last) return false
  if (!transactional) return first.read === written // What is doubled is in the topics, not in the ledger.
  const goneOn = first === last || (first.read === written && first.emitted === last.read && first.inFlight === 0)
  const { read, emitted, dropped, dead, inFlight } = last
  return goneOn && read === written && emitted === outs[0] && dead === outs[1] && dropped === repeats && inFlight === 0
}

/** What the replicas logged, where somebody wants to see it: all of it, or that of what went wrong. */
function keepLog(name: string, { log }: Replicas, verdicts: readonly Verdict[]): void {
  const file = process.env['OXBOW_LOG']
  if (file) appendFileSync(file, `--- ${name}\n${log}\n`)
  else if (!verdicts.every(({ ok }) => ok) || verdicts.length === 0) console.error(log)
}
