import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineSource, type Connector } from '../../src/component/source.ts'
import { catalogWith, recordsOf, startPipeline, valuesOf } from '../support/pipeline.ts'

const config = 'name: p\nsources: { in: { feed: {} } }\nstreams: { s: { from: in, to: { topic: out } } }'
const sourceOf = (connector: Connector) =>
  defineSource({
    name: 'feed',
    summary: 'Feeds.',
    config: z.strictObject({}),
    faults: [],
    examples: [],
    format: () => 'json',
    open: () => Promise.resolve(connector),
  })
const start = (connector: Connector) => startPipeline(config, catalogWith({ sources: [sourceOf(connector)] }))

describe('a connector', () => {
  it('that cannot be closed is told of, and the pipeline ends all the same', async () => {
    const { pipeline, broker, log } = await start({
      poll: () => Promise.resolve({ records: [{ key: null, value: Buffer.from('1') }], cursor: 1, wait: 'ended' }),
      close: () => Promise.reject(new Error('the socket is stuck')),
    })
    await pipeline.quiet({ settled: true })
    await pipeline.stop()
    expect(await valuesOf(broker, 'out')).toEqual([1])
    expect(log.lines).toEqual([
      { level: 'warn', fields: { source: 'in' }, message: 'in was not closed: the socket is stuck' },
    ])
  })

  it('that says why nothing comes makes it a trouble of the pipeline, until it says so no more', async () => {
    const polls = [{ trouble: 'all feeds are down', wait: 50 }, { wait: 'ended' as const }]
    const { pipeline, log } = await startPipeline(
      config,
      catalogWith({ sources: [sourceOf({ poll: () => Promise.resolve({ records: [], ...polls.shift()! }) })] }),
      { once: false },
    )
    await pipeline.quiet()
    expect(pipeline.troubles).toEqual(['source in: all feeds are down'])
    while (polls.length > 0) await setImmediate()
    await pipeline.quiet({ settled: true })
    expect([pipeline.troubles, log.lines]).toEqual([[], []])
  })

  it('that gives a record a time before 1970 has it appended with the time of the append', async () => {
    const { pipeline, broker } = await start({
      poll: () =>
        Promise.resolve({ records: [{ key: null, value: Buffer.from('1'), timestamp: -5 }], cursor: 1, wait: 'ended' }),
    })
    await pipeline.quiet({ settled: true })
    expect((await recordsOf(broker, 'in'))[0]!.timestamp).toBeGreaterThan(Date.UTC(2026, 0, 1))
  })
})
