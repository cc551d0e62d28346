import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { isPoison, writeEvents } from '../../bench/events.ts'

/** More of both makes the long proof: OXBOW_EVENTS=1000000 OXBOW_KILLS=20. */
const events = Number(process.env['OXBOW_EVENTS'] ?? 60_000)
const kills = Number(process.env['OXBOW_KILLS'] ?? 5)

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

const pipeline = `
name: killed
sources:
  prices: { file: { path: ./events.jsonl }, partitions: 2 }
streams:
  checked:
    from: prices
    steps:
      - validate: { schema: { type: object, properties: { price: { type: number, maximum: 1 } } } }
      - dedupe: { by: record.id }
      - map: { id: record.id }
    to:
      - topic: clean
      - file: { path: ./clean.jsonl }
`

const oxbow = (args: readonly string[], cwd: string) =>
  spawn(process.execPath, [main, ...args], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
const ended = (child: ReturnType<typeof oxbow>) => new Promise<number | null>((resolve) => child.on('exit', resolve))

async function linesOf(args: readonly string[], cwd: string): Promise<unknown[]> {
  const lines: unknown[] = []
  for await (const line of createInterface({ input: oxbow(args, cwd).stdout })) lines.push(JSON.parse(line))
  return lines
}

it(
  `loses nothing and doubles nothing when it is killed ${kills} times at random over ${events} events`,
  { timeout: 1_200_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'oxbow-kill-'))
    await writeFile(join(directory, 'pipeline.yaml'), pipeline)
    await writeEvents(join(directory, 'events.jsonl'), events)
    const run = ['run', 'pipeline.yaml', '--until-idle', '--no-http', '--json', '--data', 'data']

    let killed = 0
    while (killed < kills) {
      const child = oxbow(run, directory)
      child.stdout.resume()
      const done = ended(child)
      const shot = setTimeout(() => child.kill('SIGKILL'), 700 + Math.random() * Math.max(1_000, events / 200))
      const code = await done
      clearTimeout(shot)
      if (code !== null) break
      killed++
    }
    const counts = await linesOf(run, directory)
    expect(killed).toBeGreaterThan(0)

    const idsOf = async (topic: string) =>
      ((await linesOf(['read', topic, '--json', '--data', 'data'], directory)) as { value: { id: number } }[])
        .map(({ value }) => value.id)
        .toSorted((a, b) => a - b)
    const all = Array.from({ length: events }, (_, n) => n)
    const good = all.filter((n) => !isPoison(n))
    expect(await idsOf('prices')).toEqual(all)
    expect(await idsOf('clean')).toEqual(good)
    expect(await idsOf('dlq.prices')).toEqual(all.filter(isPoison))
    const written = (await readFile(join(directory, 'clean.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(written.map((line) => (JSON.parse(line) as { id: number }).id).toSorted((a, b) => a - b)).toEqual(good)
    expect(counts).toEqual([
      {
        source: 'prices',
        stream: 'checked',
        read: events,
        emitted: good.length,
        dropped: 0,
        dead: events - good.length,
        inFlight: 0,
      },
    ])
    await rm(directory, { recursive: true })
  },
)
