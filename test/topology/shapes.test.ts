import { asyncScheduler } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { catalog } from '../../src/catalog.ts'
import { Pipeline } from '../../src/topology/pipeline.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'

describe('state and the config that made it', () => {
  let broker: Broker
  let warnings: string[]
  beforeEach(async () => {
    broker = await openEmbedded({ directory: ':memory:' })
    warnings = []
    await broker.ensureTopics(['visits', 'pages'].map((name) => ({ name, partitions: 2 })))
  })
  afterEach(() => broker.close())

  const log = {
    debug() {},
    info() {},
    warn: (_: object, message: string) => void warnings.push(message),
    error() {},
  }
  /** Runs a stream with these steps over one more record, to the end. */
  async function run(steps: string, others = ''): Promise<void> {
    const text = `
name: clicks
sources: { visits: { topic: { format: json } } ${others} }
streams: { counted: { from: visits, steps: [${steps}], to: { topic: out } } }
`
    const plan = resolvePlan(parseConfig(text, 'clicks.yaml', catalog, {}), catalog)
    const pipeline = new Pipeline({ plan, broker, scheduler: asyncScheduler, log, once: false })
    const record = { topic: 'visits', partition: 0, key: Buffer.from('k'), value: Buffer.from('{"page":"a"}') }
    const unit = { group: 'w', task: '', offsets: [], state: [], counts: [] }
    await broker.commit({ ...unit, outputs: [{ ...record, headers: [], timestamp: 0 }] })
    try {
      await pipeline.start()
      await pipeline.quiet()
    } finally {
      await pipeline.stop()
    }
  }
  const hourly = 'aggregate: { into: { visits: count }, window: { tumbling: 1h }, at: "0" }'

  it('are checked again at each start, and what does not touch the state may change', async () => {
    await run(`{ ${hourly} }`)
    await run(`{ ${hourly} }`)
    await run(`{ filter: "true" }, { ${hourly.replace('count', '{ count: record.page == "a" }')} }`)
    expect(warnings).toEqual([])
  })

  it.each([
    [
      'another window',
      hourly.replace('1h', '2h'),
      'counted.aggregate has state that was made with `window: { tumbling: 1h }`, and the config says `window: { tumbling: 2h }` now: change it back, or give the stream another name',
    ],
    [
      'another function',
      hourly.replace('visits: count', 'visits: { last: record.page }'),
      'made with `into: { visits: count }`, and the config says `into: { visits: last }` now',
    ],
    [
      'another field',
      hourly.replace('visits:', 'clicks:'),
      'made with `into: { visits: count }`, and the config says `into: { clicks: count }` now',
    ],
    [
      'hopping windows',
      hourly.replace('tumbling: 1h', 'hopping: 1h, every: 10m'),
      'the config says `window: { hopping: 1h, every: 10m }` now',
    ],
    ['no window', 'aggregate: { into: { visits: count } }', 'the config says no `window` now'],
    [
      'idle',
      hourly.replace('window:', 'emit: close, idle: 1h, window:'),
      'made with no `idle`, and the config says `idle` now',
    ],
  ])('are refused with %s', async (_, steps, message) => {
    await run(`{ ${hourly} }`)
    const refused = run(`{ ${steps} }`)
    await expect(refused).rejects.toThrow(message)
    await expect(refused).rejects.toThrow(/give the stream another name.*start clicks over \(`oxbow reset`\)/)
    await run(`{ ${hourly} }`)
  })

  it.each([
    ['within: 1m', 'within: 2m', 'made with `within: 1m`, and the config says `within: 2m` now'],
    ['within: 1m', 'within: { before: 0s, after: 1m }', 'the config says `within: { before: 0ms, after: 1m }` now'],
    [
      'within: 1m',
      'latest: true',
      'made with `within: 1m` and `type: inner` and no `idle`, and the config says `latest: true` now',
    ],
    ['latest: true', 'within: 1m', 'made with `latest: true`, and the config says `within: 1m` and'],
    ['within: 1m, type: left', 'within: 1m', 'made with `type: left`, and the config says `type: inner` now'],
    [
      'within: 1m, type: left',
      'within: 1m, type: left, idle: 1h',
      'made with no `idle`, and the config says `idle` now',
    ],
    ['latest: true', 'foreignKey: record.page', 'the config says `foreignKey: record.page` now'],
  ])('of a join are refused: %s, then %s', async (before, after, message) => {
    const join = (kind: string) => run(`{ join: { stream: pages, as: page, ${kind} } }`, ', pages: { topic: {} }')
    await join(before)
    await join(before)
    await expect(join(after)).rejects.toThrow(message)
  })

  it('are refused when a source has other partitions, since its keys are elsewhere', async () => {
    await run('{ dedupe: { by: record.page } }')
    const kept = broker
    const more = {
      ...broker,
      topics: async (names?: readonly string[]) => {
        const topics = await kept.topics(names)
        return topics.map((topic) => ({ ...topic, partitions: [...topic.partitions, ...topic.partitions] }))
      },
    }
    broker = more
    await expect(run('{ dedupe: { by: record.page } }')).rejects.toThrow(
      /visits had 2 partitions when the state of clicks was made, and has 4/,
    )
    broker = kept
  })

  it('a step that is gone is said once, and its state is there when it comes back', async () => {
    await run('{ dedupe: { by: record.page } }')
    await run('{ filter: "true" }')
    expect(warnings).toEqual([expect.stringMatching(/^counted\.dedupe is no step of clicks any more: its state stays/)])
    await run('{ filter: "true" }')
    expect(warnings).toHaveLength(1)
    await run('{ dedupe: { by: record.page } }')
    expect((await broker.counts('clicks')).map(({ dropped }) => dropped)).toEqual([1])
    await run('{ filter: "true" }')
    expect(warnings).toHaveLength(2)
  })

  it('a pipeline without state says nothing of it', async () => {
    await run('{ filter: "true" }')
    expect(await broker.stores('clicks')).toEqual([])
  })
})
