import { describe, expect, it } from 'vitest'
import { hoursIn, type Progress } from '../../../src/sources/polymarket/history.ts'
import { faultCode, keyText, text } from '../connect.ts'

const outcome = { slug: 'river', outcome: 'Yes', token: '1' }
const noon = Date.parse('2026-01-08T12:00:00Z') / 1_000
const evening = (noon + 36_000) * 1_000

/** A point so many seconds after noon. */
const point = (after: number, p: unknown) => ({ t: noon + after, p })
const body = (history: unknown) => Buffer.from(JSON.stringify({ history }))

interface Price {
  readonly price: number
  readonly event_time: string
  readonly prev_price: number | null
  readonly price_delta: number | null
}

const read = (history: unknown[], progress?: Progress, now = evening) => hoursIn(body(history), outcome, progress, now)
const prices = (history: unknown[], progress?: Progress, now = evening): Price[] =>
  read(history, progress, now).records.map((record) => JSON.parse(text(record)!) as Price)

describe('the price of an hour', () => {
  it('is the last one known at the full hour, with the time of its point', () => {
    const found = prices([point(15, 0.1), point(1_815, 0.2), point(3_585, 0.3), point(3_615, 0.4), point(7_185, 0.5)])
    expect(found.map(({ price }) => price)).toEqual([0.3, 0.5])
    expect(found.map(({ event_time }) => event_time)).toEqual(['2026-01-08T12:59:45.000Z', '2026-01-08T13:59:45.000Z'])
  })

  it('counts a point on the full hour to the hour that ends with it', () => {
    expect(prices([point(0, 0.1), point(1, 0.2), point(3_600, 0.3)]).map(({ price }) => price)).toEqual([0.1, 0.3])
  })

  it('comes with the price before it and the difference, free of rounding noise', () => {
    const record = read([point(10, 0.23), point(3_610, 0.225)]).records
    expect(JSON.parse(text(record[1]!)!)).toEqual({
      market_slug: 'river',
      outcome: 'Yes',
      price: 0.225,
      price_delta: -0.005,
      event_time: '2026-01-08T13:00:10.000Z',
      fetched_at: '2026-01-08T22:00:00.000Z',
      prev_price: 0.23,
    })
    expect(JSON.parse(text(record[0]!)!)).toMatchObject({ price_delta: null, prev_price: null })
    expect(record.map(keyText)).toEqual(['river|Yes', 'river|Yes'])
  })

  it('is given once the hour is over: a later point is there, or some minutes have passed', () => {
    const at = (after: number) => (noon + after) * 1_000
    expect(prices([point(10, 0.1)], undefined, at(3_600))).toEqual([])
    expect(prices([point(10, 0.1)], undefined, at(3_900))).toHaveLength(1)
    expect(prices([point(10, 0.1), point(3_601, 0.2)], undefined, at(3_602))).toHaveLength(1)
  })

  it('is given once, however often its points come', () => {
    const history = [point(10, 0.1), point(3_000, 0.2), point(3_000, 0.3), point(3_610, 0.4)]
    const first = read(history)
    expect(first.records).toHaveLength(2)
    expect(JSON.parse(text(first.records[0]!)!)).toMatchObject({ price: 0.3 })
    expect(prices(history, first.progress)).toEqual([])
    expect(prices([...history, point(9_000, 0.6)], first.progress)).toMatchObject([{ price: 0.6, prev_price: 0.4 }])
  })

  it('does not exist for an hour without a point, and does not depend on the order of points', () => {
    const found = prices([point(8_000, 0.3), point(10, 0.1)])
    expect(found.map(({ event_time }) => event_time.slice(11, 16))).toEqual(['12:00', '14:13'])
  })

  it('is the same whether the history is read at once or bit by bit', () => {
    const history = Array.from({ length: 60 }, (_, i) => point(600 * i + (i % 7), (i % 10) / 10))
    const whole = prices(history).map(({ fetched_at: _, ...rest }: Price & { fetched_at?: string }) => rest)
    const bits: object[] = []
    let progress: Progress | undefined
    for (let i = 1; i <= history.length; i++) {
      const now = (history[i - 1]!.t + 1) * 1_000
      const step = hoursIn(body(history.slice(0, i)), outcome, progress, i === history.length ? evening : now)
      progress = step.progress
      for (const record of step.records) {
        const { fetched_at: _, ...rest } = JSON.parse(text(record)!) as { fetched_at: string }
        bits.push(rest)
      }
    }
    expect(bits).toEqual(whole)
  })
})

describe('what cannot be read', () => {
  it.each([
    ['a time that is text', { t: `${noon}`, p: 0.1 }],
    ['a price that is text', point(100, '0.1')],
    ['a price that is not finite', `{"t":${noon + 100},"p":1e999}`],
    ['no price', { t: noon + 100 }],
    ['an empty object', {}],
    ['no object', 7],
    ['nothing', null],
    ['a time of milliseconds', { t: noon * 1_000, p: 0.1 }],
  ])('keeps a point with %s, once, and reads the others', (_, odd) => {
    const written = typeof odd === 'string' ? odd : JSON.stringify(odd)
    const answer = Buffer.from(
      `{"history":[${JSON.stringify(point(50, 0.1))},${written},${JSON.stringify(point(200, 0.2))}]}`,
    )
    const { records, progress } = hoursIn(answer, outcome, undefined, evening)
    expect(records.map(faultCode)).toEqual(['price.unreadable', undefined])
    expect(keyText(records[0]!)).toBe('river|Yes')
    expect(JSON.parse(text(records[1]!)!)).toMatchObject({ price: 0.2 })
    expect(hoursIn(answer, outcome, progress, evening).records).toEqual([])
  })

  it.each(['{}', 'null', '[]', '{"history":7}', 'no json', '{"history":[{"t":1,"p":NaN}]}', '{"history":[{}]}'])(
    'throws for the answer %s',
    (answer) => {
      expect(() => hoursIn(Buffer.from(answer), outcome, undefined, evening)).toThrow(
        expect.objectContaining({ code: 'price.unreadable' }),
      )
    },
  )

  it('takes an empty history for what it is', () => {
    expect(read([])).toEqual({ records: [], progress: undefined, empty: true })
  })
})
