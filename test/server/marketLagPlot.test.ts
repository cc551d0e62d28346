import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { catalog } from '../../src/catalog.ts'
import { readPlot } from '../../src/server/plots/plot.ts'
import { runTopology } from '../../src/testing/runTopology.ts'
import { readConfig } from '../../src/topology/read.ts'
import { append } from './served.ts'

const path = fileURLToPath(new URL('../../config/market-lag.yaml', import.meta.url))

it('of MarketLag shows signal, price and lag as they come out of its own test', async () => {
  const { config } = readConfig(path, catalog, {})
  const test = config.tests.find(({ expect }) => Object.hasOwn(expect ?? {}, 'lag_signals'))!
  const { captured } = await runTopology(path, test)
  const [plot] = config.monitor!.plots
  const broker = await openEmbedded({ directory: ':memory:' })
  onTestFinished(() => broker.close())
  await append(
    broker,
    plot!.lines.flatMap(({ topic }) =>
      captured.get(topic)!.map(({ value, timestamp }) => ({ topic, value, timestamp })),
    ),
  )

  const { panels, notes } = await readPlot(broker, plot!, 0)
  expect(notes).toEqual([])
  expect(panels.map(({ by }) => by)).toEqual(['will-jd-vance-win-the-2028-us-presidential-election'])
  const drawn = panels[0]!.lines.map(({ line, points }) => [
    line.name,
    points.map(({ x, y }) => [new Date(x).toISOString().slice(11, 16), y]),
  ])
  expect(Object.fromEntries(drawn)).toEqual({
    signal: [['10:00', 3.6]],
    price: [
      ['08:10', 0.3],
      ['09:10', 0.31],
      ['10:10', 0.4],
    ],
    lag: [['10:00', 1]],
  })
})
