import { describe, expect, it } from 'vitest'
import type { ByTheClock } from '../../../src/component/operator.ts'
import { memoryState } from '../../../src/component/state.ts'
import { aggregate } from '../../../src/operators/aggregate.ts'
import { runTopology } from '../../../src/testing/index.ts'
import { VirtualClock } from '../../../src/testing/clock.ts'
import { context } from '../../support/context.ts'
import { record } from '../../support/records.ts'

const config = (window: string, more = '') => `
name: clicks
sources: { clicks: { topic: {} } }
streams:
  hourly:
    from: clicks
    steps:
      - aggregate: { window: ${window}, grace: 5m, emit: close, idle: 10m, into: { clicks: count } }
      ${more}
    to: { topic: hourly }
`
const click = (time: string, value: unknown = 1) => ({ $key: 'k', $value: value, $timestamp: `2026-01-01T${time}:00Z` })
const hour = (start: string, end: string, clicks: number) => ({
  $key: 'k',
  $value: { window_start: `2026-01-01T${start}:00.000Z`, window_end: `2026-01-01T${end}:00.000Z`, clicks },
})
const at = '2026-01-01T00:00:00Z'

describe('aggregate with idle', () => {
  it('closes a window by the clock, that long after its end and grace', async () => {
    await runTopology(config('{ tumbling: 1h }'), {
      at,
      given: { clicks: 'a 9m a' },
      values: { a: click('00:10'), x: hour('00:00', '01:00', 2) },
      expect: { hourly: '75m x' },
    })
  })

  it('closes windows of long ago once no record came for that long', async () => {
    await runTopology(config('{ tumbling: 1h }'), {
      at: '2026-02-01T00:00:00Z',
      given: { clicks: 'a 9m a 9m b' },
      values: { a: click('00:10'), b: click('00:50'), x: hour('00:00', '01:00', 3) },
      expect: { hourly: '1080002ms 10m x' },
    })
  })

  it('closes sessions by the clock, too', async () => {
    await runTopology(config('{ session: 20m }'), {
      at,
      given: { clicks: '10m a 9m b' },
      values: { a: click('00:10'), b: click('00:19'), x: hour('00:10', '00:19', 2) },
      expect: { hourly: '54m 1ms x' },
    })
  })

  it('waits anew after a restart: what came meanwhile is still to be read', () => {
    const state = memoryState()
    const given = { window: { tumbling: '10ms' }, emit: 'close', idle: '1s', into: { clicks: 'count' } } as const
    const startAt = (now: number) =>
      aggregate.build(aggregate.config.parse(given), context({ state, scheduler: new VirtualClock(now) })) as ByTheClock
    const first = startAt(5)
    first.take(record(1, { key: Buffer.from('k'), timestamp: 5 }))
    expect(first.due()).toBe(1_010)
    const second = startAt(7_000)
    expect(second.due()).toBe(8_000)
    expect(second.tick(7_999)).toEqual([])
    expect(second.tick(8_000)).toHaveLength(1)
  })

  it('dead-letters what comes for a window that the clock has closed', async () => {
    await runTopology(config('{ tumbling: 1h }'), {
      at,
      given: { clicks: 'a 80m a' },
      values: { a: click('00:10'), x: hour('00:00', '01:00', 1), f: { $fault: 'record.late' } },
      expect: { hourly: '75m x', 'dlq.clicks': '80m - f' },
    })
  })

  it('dead-letters a result that fails with the origin of the last record in it', async () => {
    await runTopology(config('{ tumbling: 1h }', '- validate: { schema: { required: [nothing] } }'), {
      at,
      given: { clicks: 'a 9m a' },
      values: { a: click('00:10'), f: { ...hour('00:00', '01:00', 2), $fault: 'record.invalid' } },
      expect: { hourly: '-', 'dlq.clicks': '75m f' },
    })
  })

  it('tells results apart whose last records are parts of one source record', async () => {
    const validated = config('{ tumbling: 1h }', '- validate: { schema: { required: [nothing] } }')
    const parts = '- unnest: products\n      - keyBy: record.products\n      - aggregate:'
    await runTopology(validated.replace('- aggregate:', parts), {
      at,
      given: { clicks: 'a' },
      values: {
        a: click('00:10', { products: ['k', 'l'] }),
        f: { ...hour('00:00', '01:00', 1), $fault: 'record.invalid' },
        g: { ...hour('00:00', '01:00', 1), $key: 'l', $fault: 'record.invalid' },
      },
      expect: { hourly: '-', 'dlq.clicks': '75m (fg)' },
    })
  })
})
