import { expect, it } from 'vitest'
import { asyncScheduler } from 'rxjs'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { createMetrics } from '../../src/monitor/metrics.ts'
import { append, catalogWith, output, startPipeline, valuesOf } from '../support/pipeline.ts'

const yaml = 'name: p\nsources: { in: { topic: {} } }\nstreams: { s: { from: in, to: { topic: out } } }\n'
const hour = 3_600_000

it('records that were deleted before they were read are told, counted, and in no other number', async () => {
  let now = 0
  const broker = await openEmbedded({ directory: ':memory:', now: () => now })
  const write = async (...hours: readonly number[]) => {
    for (const n of hours) await append(broker, [output('in', n, { timestamp: n * hour })])
  }
  await write(0, 1)
  const first = await startPipeline(yaml, catalogWith({}), { broker })
  await first.pipeline.quiet({ settled: true })
  await first.pipeline.stop()
  expect(first.log.lines).toEqual([])

  await write(2, 3, 4, 5)
  now = 104 * hour
  await broker.ensureTopics([{ name: 'in', retention: 100 * hour }], { shorten: true })
  const second = await startPipeline(yaml, catalogWith({}), { broker })
  await second.pipeline.quiet({ settled: true })

  expect(await valuesOf(broker, 'out')).toEqual([0, 1, 4, 5])
  expect(await second.pipeline.conservation()).toEqual([
    { source: 'in', stream: 's', read: 4, emitted: 4, dropped: 0, dead: 0, inFlight: 0, expired: 2 },
  ])
  expect(second.log.lines).toMatchObject([
    {
      level: 'error',
      fields: { source: 'in', partition: 0, expired: 2 },
      message: expect.stringMatching(/^in, partition 0: 2 offsets were deleted before .* Give the topic a longer/),
    },
  ])
  const metrics = createMetrics({
    pipelines: [second.pipeline],
    broker,
    ledger: new Ledger(broker),
    scheduler: asyncScheduler,
  })
  expect(await metrics.metrics()).toContain('oxbow_records_expired_total{pipeline="p",source="in"} 2\n')
})

it('where nothing is left the pipeline says so too, and is at the end', async () => {
  let now = 0
  const broker = await openEmbedded({ directory: ':memory:', now: () => now })
  await append(broker, [output('in', 0, { timestamp: 0 })])
  const first = await startPipeline(yaml, catalogWith({}), { broker })
  await first.pipeline.quiet({ settled: true })
  await first.pipeline.stop()

  await append(broker, [output('in', 1, { timestamp: 0 }), output('in', 2, { timestamp: 0 })])
  now = 200 * hour
  await broker.ensureTopics([{ name: 'in', retention: 100 * hour }], { shorten: true })
  const second = await startPipeline(yaml, catalogWith({}), { broker })
  await second.pipeline.quiet({ settled: true })
  expect(await second.pipeline.conservation()).toMatchObject([{ read: 1, inFlight: 0, expired: 2 }])
  expect(await broker.committed('p')).toEqual([{ topic: 'in', partition: 0, offset: 3n }])
})
