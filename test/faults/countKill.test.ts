import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { isPoison, priceEvent, writeEvents } from '../../bench/events.ts'
import { binary, jsonLines, makeDirectory, startOxbow } from '../cli/oxbow.ts'

/** More of both makes the long proof: OXBOW_EVENTS=1000000 OXBOW_KILLS=20. */
const events = Number(process.env['OXBOW_EVENTS'] ?? 30_000)
const kills = Number(process.env['OXBOW_KILLS'] ?? 4)
const hour = 3_600_000

interface Emission {
  readonly emit: 'update' | 'close'
  readonly partitions: number
  readonly grace: string
}

/** Two partitions come in any order, after a kill too, and no record may be late; one keeps the order of its records. */
const emissions: readonly Emission[] = [
  { emit: 'update', partitions: 2, grace: '3650d' },
  { emit: 'close', partitions: 1, grace: '0s' },
]

const pipeline = ({ emit, partitions, grace }: Emission) => `name: killed
sources:
  prices: { file: { path: ./events.jsonl }, partitions: ${partitions} }
streams:
  counted:
    from: prices
    steps:
      - validate: { schema: { type: object, properties: { price: { type: number, maximum: 1 } } } }
      - keyBy: { by: record.market_slug, partitions: 2 }
      - aggregate: { window: { tumbling: 1h }, at: record.event_time, grace: ${grace}, emit: ${emit}, into: { count: count } }
    to: { topic: counts }
`

interface Counted {
  readonly key: string
  readonly value: { readonly window_start: string; readonly count: number }
}

/** Good events by market and hour, from the events alone. */
function independentCounts(): Map<string, number> {
  const counts = new Map<string, number>()
  for (let n = 0; n < events; n++) {
    if (isPoison(n)) continue
    const { market_slug: market, event_time: time } = JSON.parse(priceEvent(n)) as {
      market_slug: string
      event_time: string
    }
    const name = `${market} ${Math.floor(Date.parse(time) / hour) * hour}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** What was written of each market and hour, in order. */
async function writtenCounts(directory: string): Promise<Map<string, number[]>> {
  const counts = new Map<string, number[]>()
  const reader = spawn(process.execPath, [binary, 'read', 'counts', '--json'], { cwd: directory })
  for await (const line of createInterface({ input: reader.stdout })) {
    const { key, value } = JSON.parse(line) as Counted
    const name = `${key} ${Date.parse(value.window_start)}`
    const written = counts.get(name)
    if (written) written.push(value.count)
    else counts.set(name, [value.count])
  }
  return counts
}

/** Runs until it is done, killed at random before. @returns what the run that came to the end printed */
async function runKilled(directory: string): Promise<{ readonly killed: number; readonly stdout: string }> {
  const run = ['run', 'pipeline.yaml', '--until-idle', '--no-http', '--json']
  for (let killed = 0; ; killed++) {
    const { child, ended, printed } = startOxbow(directory, ...run)
    await printed('Running killed')
    const shot = killed < kills && setTimeout(() => child.kill('SIGKILL'), Math.random() * Math.max(1_200, events / 75))
    const { code, stdout } = await ended
    if (shot) clearTimeout(shot)
    if (code !== null) return { killed, stdout }
  }
}

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1)

/** Each market and hour with all that is to be written of it. Those of the last hour are not closed in the end. */
function expectedCounts(emit: Emission['emit']): Map<string, number[]> {
  const counts = [...independentCounts()]
  if (emit === 'update') return new Map(counts.map(([name, count]) => [name, oneTo(count)]))
  const hourOf = (name: string): number => Number(name.split(' ')[1])
  const last = Math.max(...new Set(counts.map(([name]) => hourOf(name))))
  return new Map(counts.filter(([name]) => hourOf(name) < last).map(([name, count]) => [name, [count]]))
}

test.each(emissions)(
  `counts ${events} events by key and hour exactly, emitted on $emit, killed ${kills} times at random`,
  { timeout: 1_800_000 },
  async (emission) => {
    const directory = makeDirectory({ 'pipeline.yaml': pipeline(emission) })
    await writeEvents(join(directory, 'events.jsonl'), events)
    const { killed, stdout } = await runKilled(directory)
    expect(killed).toBeGreaterThan(0)

    const [expected, written] = [expectedCounts(emission.emit), await writtenCounts(directory)]
    expect(expected.size).toBeGreaterThan(0)
    expect(written.size).toBe(expected.size)
    for (const [name, counts] of expected) expect(written.get(name), name).toEqual(counts)
    const dead = Array.from({ length: events }, (_, n) => n).filter(isPoison).length
    const good = events - dead
    const done = { stream: 'counted', dropped: 0, inFlight: 0 }
    expect(jsonLines(stdout)).toEqual([
      { ...done, source: 'prices', read: events, emitted: good, dead },
      { ...done, source: 'killed-counted-repartition', read: good, emitted: good, dead: 0 },
    ])
  },
)
