import { describe, expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import { readablePlots } from '../../src/server/plots/routes.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { append, configWith, pageOf, served, type Given } from './served.ts'

const start = Date.parse('2026-01-08T00:00:00Z')
const hour = 3_600_000
const at = (hours: number): string => new Date(start + hours * hour).toISOString()

const marketLag = (more = '') =>
  configWith(`
plots:
  - title: Signal, price and lag
    by: record.market
    x: record.end
    empty: 'no lag signals yet: the first come when an hour has closed'
    ${more}
    lines:
      - { topic: lag_signals, y: record.signal, name: signal }
      - { topic: lag_signals, y: record.?price, name: price, unit: USD, axis: right }
      - { topic: lag_signals, y: record.lag, name: lag, as: marks }
`)

const signal = (hours: number, values: object = {}): Given => ({
  topic: 'lag_signals',
  value: { market: 'rain', end: at(hours), signal: hours, price: 0.4, lag: false, ...values },
})

interface Shown {
  readonly panels: readonly {
    readonly by?: string
    readonly lines: readonly { readonly name: string; readonly points: readonly [string, number | null][] }[]
  }[]
  readonly notes: readonly string[]
}

async function shown(url: string, number = 0): Promise<Shown> {
  const response = await fetch(`${url}/plots/${number}`)
  expect(response.status).toBe(200)
  return (await response.json()) as Shown
}

const pointsOf = ({ panels }: Shown, panel = 0, line = 0) => panels[panel]!.lines[line]!.points

describe('/plots', () => {
  it('lists them', async () => {
    const { url } = await served(marketLag())
    const { plots } = (await (await fetch(`${url}/plots`)).json()) as { plots: object[] }
    expect(plots).toEqual([{ pipeline: 'shop', title: 'Signal, price and lag', path: '/plots/0' }])
    expect((await fetch(`${url}/plots/1`)).status).toBe(404)
    expect((await fetch(`${url}/plots/0`, { method: 'DELETE' })).status).toBe(405)
  })

  it('is empty where none are asked for', async () => {
    const { url } = await served(configWith('every: 10s'))
    expect(await (await fetch(`${url}/plots`)).json()).toEqual({ plots: [] })
  })
})

describe('a plot', () => {
  it('has a picture for each value, in order, with the points in the order of time', async () => {
    const { url } = await served(marketLag(), {
      given: [
        signal(2, { market: 'sun 10', lag: true }),
        signal(3),
        signal(1, { price: undefined, lag: 2 }),
        signal(2, { market: 'sun 9', price: null }),
      ],
    })
    const plot = await shown(url)
    expect(plot.notes).toEqual([])
    expect(plot.panels.map(({ by }) => by)).toEqual(['rain', 'sun 9', 'sun 10'])
    const each = plot.panels.map(({ lines }) => Object.fromEntries(lines.map(({ name, points }) => [name, points])))
    expect(each).toEqual([
      {
        signal: [
          [at(1), 1],
          [at(3), 3],
        ],
        price: [
          [at(1), null],
          [at(3), 0.4],
        ],
        lag: [
          [at(1), 2],
          [at(3), 0],
        ],
      },
      { signal: [[at(2), 2]], price: [[at(2), null]], lag: [[at(2), 0]] },
      { signal: [[at(2), 2]], price: [[at(2), 0.4]], lag: [[at(2), 1]] },
    ])
  })

  it('shows what came since it was read last', async () => {
    const { url, broker } = await served(marketLag(), { given: [signal(1)] })
    expect(pointsOf(await shown(url))).toEqual([[at(1), 1]])
    await append(broker, [signal(2)])
    expect(pointsOf(await shown(url))).toEqual([
      [at(1), 1],
      [at(2), 2],
    ])
  })

  it('has one picture and the timestamps of records where the config says no more, and several topics', async () => {
    const config = configWith(`
plots:
  - title: both
    lines: [{ topic: a, y: record }, { topic: b, y: 'double(record) * 2.0' }]
`)
    const given = [
      { topic: 'a', value: 1, timestamp: start },
      { topic: 'b', value: 2, timestamp: start + hour },
    ]
    const { url } = await served(config, { given })
    const plot = await shown(url)
    expect(plot.panels).toHaveLength(1)
    expect(plot.panels[0]).not.toHaveProperty('by')
    expect(pointsOf(plot, 0, 0)).toEqual([[at(0), 1]])
    expect(pointsOf(plot, 0, 1)).toEqual([[at(1), 4]])
  })

  it('draws the records of which a line speaks, and leaves no gap for the others', async () => {
    const config = configWith(`
plots:
  - { title: t, by: record.m, lines: [{ topic: in, when: record.side == 'yes', y: record.n }] }
`)
    const sides = [{ side: 'yes', m: 1 }, { side: 'no' }, { side: 'yes', m: 1 }, {}]
    const { url } = await served(config, { given: sides.map((side, n) => ({ topic: 'in', value: { ...side, n } })) })
    const plot = await shown(url)
    expect(pointsOf(plot).map(([, y]) => y)).toEqual([0, 2])
    expect(plot.notes).toEqual([
      expect.stringMatching(/^1 record of in not shown: "record\.side == 'yes'": .*missing/) as unknown,
    ])
  })

  it('takes milliseconds for a time', async () => {
    const config = configWith('plots: [{ title: t, x: record.at, lines: [{ topic: in, y: record.n }] }]')
    const { url } = await served(config, { given: [{ topic: 'in', value: { n: 1, at: start } }] })
    expect(pointsOf(await shown(url))).toEqual([[at(0), 1]])
  })

  it('shows so many points of each line, the newest', async () => {
    const given = [1, 2, 3, 4].flatMap((hours) => [signal(hours), signal(hours, { market: 'sun' })])
    const { url } = await served(marketLag('last: 2'), { given })
    const plot = await shown(url)
    for (const panel of [0, 1]) expect(pointsOf(plot, panel).map(([time]) => time)).toEqual([at(3), at(4)])
  })

  it('shows so much time back from the newest point', async () => {
    const given = [signal(1), signal(2), signal(3), signal(4), signal(0, { market: 'sun' })]
    const { url } = await served(marketLag('last: 2h'), { given })
    const plot = await shown(url)
    expect(plot.panels.map(({ by }) => by)).toEqual(['rain'])
    expect(pointsOf(plot).map(([time]) => time)).toEqual([at(2), at(3), at(4)])
  })

  it('reads 5000 records of a topic, the newest, and says so where more could be shown', async () => {
    const given = Array.from({ length: 5_200 }, (_, n) => ({ topic: 'many', value: n, timestamp: start + n }))
    const config = configWith(`
plots:
  - { title: all, last: 7d, lines: [{ topic: many, y: record }] }
  - { title: some, last: 3, lines: [{ topic: many, y: record }] }
`)
    const { url } = await served(config, { given })
    const all = await shown(url)
    const values = pointsOf(all).map(([, y]) => y)
    expect([values.length, values[0], values.at(-1)]).toEqual([5_000, 200, 5_199])
    expect(all.notes).toEqual(['Of many the newest 5000 records were read.'])
    const some = await shown(url, 1)
    expect(pointsOf(some).map(([, y]) => y)).toEqual([5_197, 5_198, 5_199])
    expect(some.notes).toEqual([])
    const page = await pageOf(url)
    expect(page).toContain('Of many the newest 5000 records were read.')
    expect(page).toContain('The newest 100 of 5000 times')
  })

  it('counts what cannot be shown, by its reason and without its value', async () => {
    const given: Given[] = [
      { topic: 'lag_signals', value: Buffer.from('{secret') },
      { topic: 'lag_signals', value: null },
      signal(1, { end: 'yesterday' }),
      signal(2, { end: 'tomorrow' }),
      signal(3, { market: null }),
      signal(4, { signal: 'secret' }),
      signal(5, { lag: undefined }),
      signal(6),
    ]
    const { url } = await served(marketLag(), { given })
    const plot = await shown(url)
    expect(pointsOf(plot).map(([time]) => time)).toEqual([at(5), at(6)])
    expect(pointsOf(plot, 0, 1).map(([time]) => time)).toEqual([at(4), at(5), at(6)])
    const told = plot.notes.join('\n')
    expect(told).toContain(
      '2 records of lag_signals not shown: "record.end" gives a string; expected a time, in ISO 8601 or milliseconds since 1970.',
    )
    expect(told).toContain('1 record of lag_signals not shown: it is not JSON')
    expect(told).toContain('1 record of lag_signals not shown: they are tombstones.')
    expect(told).toContain('"record.market" gives null; expected a text or a number that names the picture.')
    expect(told).toContain('"record.signal" gives a string; expected a number, true or false.')
    expect(told).toContain('1 record of lag_signals not shown for other reasons.')
    expect(told).not.toMatch(/secret|yesterday/)
    expect(await pageOf(url)).toContain('2 records of lag_signals not shown: &quot;record.end&quot; gives a string')
  })

  it('says what is awaited while there is nothing', async () => {
    const { url } = await served(marketLag())
    const page = await pageOf(url)
    expect(page).toContain('no lag signals yet: the first come when an hour has closed')
    expect(page).toContain('There is no topic lag_signals yet.')
    expect(page).not.toContain('<svg class="plot"')
  })

  it('does not say that they are awaited where there are records that cannot be shown', async () => {
    const { url } = await served(marketLag(), { given: [signal(1, { end: 'yesterday' })] })
    const page = await pageOf(url)
    expect(page).not.toContain('no lag signals yet')
    expect(page).toContain('There are records, and none can be shown:')
    expect(page).toContain('1 record of lag_signals not shown: &quot;record.end&quot; gives a string; expected a time')
  })

  it('has its numbers in a table, the newest first', async () => {
    const { url } = await served(marketLag(), { given: [signal(1), signal(2, { price: null, lag: true })] })
    const page = await pageOf(url)
    const rows = /<figure>.*?<tbody>(.*?)<\/tbody>/s
      .exec(page)![1]!
      .split('</tr>')
      .map((row) => row.trim())
    expect(rows.slice(0, 2)).toEqual([
      '<tr><th scope="row">8 Jan 2026, 02:00</th><td>2</td><td>–</td><td>1</td>',
      '<tr><th scope="row">8 Jan 2026, 01:00</th><td>1</td><td>0.4</td><td>0</td>',
    ])
    expect(page).toContain('<figcaption><bdi>rain</bdi></figcaption>')
    expect(page).toContain('price, right axis')
    expect(page).toContain(
      'aria-label="rain: signal from 1 to 2, last 2; price from 0.4 to 0.4, last 0.4; lag marked 1 times; 8 Jan 2026, 01:00 to 8 Jan 2026, 02:00 UTC"',
    )
  })

  it('shows 24 pictures, and says how many more there are', async () => {
    const given = Array.from({ length: 26 }, (_, n) => signal(1, { market: `m${n}` }))
    const { url } = await served(marketLag(), { given })
    const page = await pageOf(url)
    expect(page.match(/<svg class="plot"/g)).toHaveLength(24)
    expect(page).toContain('2 more pictures are not shown here.')
    expect((await shown(url)).panels).toHaveLength(26)
  })

  it('is read once for all who ask at the same time, and anew after that', async () => {
    const { broker } = await served(marketLag(), { given: [signal(1)] })
    const { monitor } = parseConfig(marketLag(), 'shop.yaml', catalog, {}).config
    const [plot] = readablePlots([{ pipeline: 'shop', plot: monitor!.plots[0]! }], broker)
    const first = plot!.read()
    expect(plot!.read()).toBe(first)
    await first
    expect(plot!.read()).not.toBe(first)
  })
})
