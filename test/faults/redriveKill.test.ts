import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { asyncScheduler } from 'rxjs'
import { expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { catalog } from '../../src/catalog.ts'
import type { LedgerEntry } from '../../src/deadletter/ledger/entry.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { openLetters } from '../../src/redrive/openLetters.ts'
import { readEntry } from '../../src/deadletter/ledger/entry.ts'
import type { StoredRecord } from '../../src/record/record.ts'
import { silentLog } from '../../src/testing/operatorContext.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { append, output } from '../support/pipeline.ts'

/** More of both makes the long proof: OXBOW_LETTERS=1000000 OXBOW_KILLS=20. */
const letters = Number(process.env['OXBOW_LETTERS'] ?? 20_000)
const kills = Number(process.env['OXBOW_KILLS'] ?? 2)

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

const config = (condition: string) => `
name: killed
sources: { in: { topic: {} } }
streams:
  one: { from: in, steps: [{ filter: '${condition}' }], to: { topic: out } }
`

/** Runs the pipeline until nothing is left to do. @returns its conservation */
async function run(directory: string, condition: string) {
  const broker = await openEmbedded({ directory, owner: true })
  const plan = resolvePlan(parseConfig(config(condition), 'pipeline.yaml', catalog, {}), catalog)
  const pipeline = new Pipeline({ plan, broker, scheduler: asyncScheduler, log: silentLog, once: true })
  await pipeline.start()
  await pipeline.quiet()
  const counts = await pipeline.conservation()
  await pipeline.stop()
  return { broker, counts }
}

/** Sends all letters that are open. @returns the exit code; null where it was killed in the middle */
async function redrive(cwd: string, killed: boolean): Promise<number | null> {
  const words = ['dlq', 'redrive', 'pipeline.yaml', '--all', '--json', '--data', 'data']
  const rate = killed ? ['--rate', String(Math.ceil(letters / 3))] : []
  const child = spawn(process.execPath, [main, ...words, ...rate], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  if (killed) {
    // By then some are sent.
    await Promise.race([once(child.stdout, 'data'), ended])
    await setTimeout(Math.random() * 400)
    child.kill('SIGKILL')
  }
  child.stdout.resume()
  const [code] = (await ended) as [number | null]
  return code
}

/** All records of a topic's first partition, however many there are. */
async function recordsIn(broker: Broker, topic: string): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for (let offset = 0n; ;) {
    const { records, next } = await broker.read({ topic, partition: 0, offset }, 10_000)
    if (records.length === 0) return found
    found.push(...records)
    offset = next
  }
}

it(
  `loses no letter and doubles none when dlq redrive is killed ${kills} times over ${letters} of them`,
  { timeout: 600_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'oxbow-redrive-'))
    const data = join(directory, 'data')
    await writeFile(join(directory, 'pipeline.yaml'), config('record.n >= 0'))
    const filling = await openEmbedded({ directory: data })
    for (let n = 0; n < letters; n += 5_000)
      await append(
        filling,
        Array.from({ length: Math.min(5_000, letters - n) }, (_, at) => output('in', { n: n + at })),
      )
    await filling.close()
    await (await run(data, 'record.price < 1.0')).broker.close()

    for (let kill = 0; kill < kills; kill++) expect(await redrive(directory, true)).toBeNull()
    expect(await redrive(directory, false)).toBe(0)

    const { broker, counts } = await run(data, 'record.n >= 0')
    const all = Array.from({ length: letters }, (_, n) => n)
    expect((await recordsIn(broker, 'killed-in-redrive')).length, 'sent').toBe(letters)
    const out = (await recordsIn(broker, 'out')).map(({ value }) => (JSON.parse(value!.toString()) as { n: number }).n)
    expect(out.toSorted((a, b) => a - b)).toEqual(all)
    const resolved = (await recordsIn(broker, 'dlq.in-ledger'))
      .map((record) => readEntry(record) as LedgerEntry)
      .filter(({ to }) => to === 'resolved')
    expect(new Set(resolved.map(({ letter }) => letter)).size).toBe(letters)
    expect(
      (await openLetters({ broker, ledger: new Ledger(broker), topics: ['dlq.in'] }).next()).done,
      'none is open',
    ).toBe(true)
    expect(counts).toMatchObject([{ read: letters, emitted: letters, dead: 0, inFlight: 0 }])
    await broker.close()
    await rm(directory, { recursive: true })
  },
)
