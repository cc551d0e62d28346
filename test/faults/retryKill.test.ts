import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { jsonLines, makeDirectory, runOxbow, startOxbow } from '../cli/oxbow.ts'

const events = 20_000
const kills = 4

/** Half of all tries fail, by chance: each record ends on `out` or, after its fourth, as a letter. */
const pipeline = `name: killed
sources:
  in: { file: { path: ./events.jsonl }, partitions: 2 }
deadLetters:
  retry: { attempts: 3, backoff: [300ms, 600ms], topic: in.retry }
streams:
  s: { from: in, steps: [{ use: ./byChance.mjs }], to: { topic: out } }
`
const byChance = `export default (value, _, { fail }) =>
  Math.random() < 0.5 ? fail('chance.lost', 'Not this time.', 'retry') : { id: value.id }
`

interface Read {
  readonly value: { readonly id: number }
  readonly headers: readonly (readonly [string, string])[]
}

test(
  `retries on a topic lose nothing and double nothing when they are killed ${kills} times at random`,
  { timeout: 300_000 },
  async () => {
    const directory = makeDirectory({ 'pipeline.yaml': pipeline, 'byChance.mjs': byChance })
    const all = Array.from({ length: events }, (_, id) => id)
    writeFileSync(`${directory}/events.jsonl`, all.map((id) => `${JSON.stringify({ id })}\n`).join(''))
    const run = ['run', 'pipeline.yaml', '--until-idle', '--no-http', '--json']
    for (let killed = 0; killed < kills; killed++) {
      const { child, ended } = startOxbow(directory, ...run)
      const shot = setTimeout(() => child.kill('SIGKILL'), 900 + Math.random() * 1_500)
      await ended
      clearTimeout(shot)
    }
    const { stdout } = await runOxbow(directory, run)
    const read = async (topic: string) =>
      jsonLines((await runOxbow(directory, ['read', topic, '--json'])).stdout) as Read[]
    const [out, letters] = [await read('out'), await read('dlq.in')]
    expect(letters.length).toBeGreaterThan(0)
    expect([...out, ...letters].map(({ value }) => value.id).toSorted((a, b) => a - b)).toEqual(all)
    expect(new Set(letters.map(({ headers }) => new Map(headers).get('dlq.attempts')))).toEqual(new Set(['4']))
    expect(jsonLines(stdout)).toEqual([
      { source: 'in', stream: 's', read: events, emitted: out.length, dropped: 0, dead: letters.length, inFlight: 0 },
    ])
  },
)
