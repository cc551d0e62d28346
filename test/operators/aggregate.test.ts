import { describe, expect, it } from 'vitest'
import { ExpressionFault } from '../../src/component/expression.ts'
import { memoryState } from '../../src/component/state.ts'
import { aggregate } from '../../src/operators/aggregate.ts'
import { EvictedRecordFault, LateRecordFault, WindowsFullFault } from '../../src/operators/aggregate/windowed.ts'
import { absorb, drop, emit, fail, type Outcome } from '../../src/record/outcome.ts'
import type { Record } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { faultOf } from '../support/outcomes.ts'
import { record } from '../support/records.ts'
import { at, results } from './aggregate/results.ts'

const count = { into: { count: 'count' } } as const

describe('aggregate since ever', () => {
  it(
    'lets every record go on as what its group has come to, at the highest time of it',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c] = [at(5, { x: 2 }), at(3, { x: 3 }), at(4, { key: 'b', x: 4 })]
      const into = { count: 'count', sum: { sum: 'record.x' } } as const

      expectObservable(cold('  a-b-c|', { a, b, c }).pipe(aggregate.over({ into }, context()))).toBe('x-y-z|', {
        x: emit(a, { ...a, value: { count: 1, sum: 2 }, timestamp: 5 }),
        y: emit(b, { ...b, value: { count: 2, sum: 5 }, timestamp: 5 }),
        z: emit(c, { ...c, value: { count: 1, sum: 4 }, timestamp: 4 }),
      })
    }),
  )

  it(
    'fails a record that cannot be aggregated, counts nothing of it, and carries on',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c] = [at(1), record({}, { key: Buffer.from('a') }), at(2)]
      const into = { count: 'count', sum: { sum: 'record.x' } } as const

      expectObservable(cold('a-b-c|', { a, b, c }).pipe(aggregate.over({ into }, context()))).toBe('x-f-y|', {
        x: emit(a, { ...a, value: { count: 1, sum: 1 }, timestamp: 1 }),
        f: fail(b, new ExpressionFault('record.x', 'record.x is missing; has(record.x) asks first')),
        y: emit(c, { ...c, value: { count: 2, sum: 2 }, timestamp: 2 }),
      })
    }),
  )
})

describe('tumbling windows', () => {
  const window = { tumbling: '10ms' } as const

  it(
    'give a result with every record',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c] = [at(9), at(10), at(12)]

      expectObservable(cold('a-b-c|', { a, b, c }).pipe(aggregate.over({ window, ...count }, context()))).toBe(
        'x-y-z|',
        {
          x: emit(a, ...results(a, [{ start: 0, end: 10, latest: 9 }, { count: 1 }])),
          y: emit(b, ...results(b, [{ start: 10, end: 20, latest: 10 }, { count: 1 }])),
          z: emit(c, ...results(c, [{ start: 10, end: 20, latest: 12 }, { count: 2 }])),
        },
      )
    }),
  )

  it(
    'close when stream time reaches their end and the grace is over, in the order of ends, then of keys',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c, d, e] = [at(1, { key: 'b' }), at(2), at(14), at(8), at(15, { key: 'b' })]
      const config = { window, grace: '5ms', emit: 'close', ...count } as const
      const f = at(100)

      expectObservable(cold('abcdef|', { a, b, c, d, e, f }).pipe(aggregate.over(config, context()))).toBe('abcdxy|', {
        a: absorb(a),
        b: absorb(b),
        c: absorb(c),
        d: absorb(d),
        x: emit(
          e,
          ...results(
            e,
            [{ start: 0, end: 10, latest: 8 }, { count: 2 }],
            [{ key: 'b', start: 0, end: 10, latest: 1 }, { count: 1 }],
          ),
        ),
        y: emit(
          f,
          ...results(
            f,
            [{ start: 10, end: 20, latest: 14 }, { count: 1 }],
            [{ key: 'b', start: 10, end: 20, latest: 15 }, { count: 1 }],
          ),
        ),
      })
    }),
  )

  it(
    'are closed to late records, which are dead-lettered, or dropped when asked',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c, d] = [at(1), at(15), at(9), at(10)]
      const over = (late: 'deadLetter' | 'drop') =>
        cold('a-b-c-d|', { a, b, c, d }).pipe(aggregate.over({ window, grace: '5ms', late, ...count }, context()))
      const values = {
        x: emit(a, ...results(a, [{ start: 0, end: 10, latest: 1 }, { count: 1 }])),
        y: emit(b, ...results(b, [{ start: 10, end: 20, latest: 15 }, { count: 1 }])),
        z: emit(d, ...results(d, [{ start: 10, end: 20, latest: 15 }, { count: 2 }])),
      }

      expectObservable(over('deadLetter')).toBe('x-y-f-z|', { ...values, f: fail(c, new LateRecordFault(9, 15)) })
      expectObservable(over('drop')).toBe('x-y-f-z|', { ...values, f: drop(c, 'late') })
    }),
  )

  it(
    'go by the time that the config names',
    marbles(({ cold, expectObservable }) => {
      const [a, b] = [at(1_000, { x: '1970-01-01T00:00:00.007Z' }), at(1_000, { x: 12 })]
      const over = aggregate.over({ window, at: 'record.x', ...count }, context())

      expectObservable(cold('a-b|', { a, b }).pipe(over)).toBe('x-y|', {
        x: emit(a, ...results(a, [{ start: 0, end: 10, latest: 7 }, { count: 1 }])),
        y: emit(b, ...results(b, [{ start: 10, end: 20, latest: 12 }, { count: 1 }])),
      })
    }),
  )

  it('refuse a time that is none', async () => {
    const config = { window, at: 'record', keyless: 'group', ...count } as const
    expect(await faultOf(aggregate.over(config, context()), '7 o’clock')).toBe(
      '"record" gives no time: it is text that is no ISO 8601 date; expected ISO 8601, or milliseconds since 1970.',
    )
    expect(await faultOf(aggregate.over(config, context()), -1)).toMatch(/not within the years 1970 to 9999/)
    expect(await faultOf(aggregate.over(config, context()), true)).toMatch(/it is boolean/)
  })
})

it(
  'hopping windows overlap: a record counts in each that is open still',
  marbles(({ cold, expectObservable }) => {
    const [a, b, c] = [at(12), at(20), at(8)]
    const config = { window: { hopping: '10ms', every: '5ms' }, ...count } as const

    expectObservable(cold('a-b-c|', { a, b, c }).pipe(aggregate.over(config, context()))).toBe('x-y-f|', {
      x: emit(
        a,
        ...results(
          a,
          [{ start: 5, end: 15, latest: 12 }, { count: 1 }],
          [{ start: 10, end: 20, latest: 12 }, { count: 1 }],
        ),
      ),
      y: emit(
        b,
        ...results(
          b,
          [{ start: 15, end: 25, latest: 20 }, { count: 1 }],
          [{ start: 20, end: 30, latest: 20 }, { count: 1 }],
        ),
      ),
      f: fail(c, new LateRecordFault(8, 20)),
    })
  }),
)

describe('sliding windows', () => {
  const window = { sliding: '10ms' } as const

  it(
    'end with a record, and begin right after one that others follow',
    marbles(({ cold, expectObservable }) => {
      const [a, b] = [at(20), at(25)]

      expectObservable(cold('a-b|', { a, b }).pipe(aggregate.over({ window, ...count }, context()))).toBe('x-y|', {
        x: emit(a, ...results(a, [{ start: 10, end: 20, latest: 20 }, { count: 1 }])),
        y: emit(
          b,
          ...results(
            b,
            [{ start: 21, end: 31, latest: 25 }, { count: 1 }],
            [{ start: 15, end: 25, latest: 25 }, { count: 2 }],
          ),
        ),
      })
    }),
  )

  it(
    'close once stream time is beyond their end, which belongs to them',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c, d] = [at(20), at(20), at(21), at(9)]
      const over = aggregate.over({ window, emit: 'close', ...count }, context())

      expectObservable(cold('a-b-c-d|', { a, b, c, d }).pipe(over)).toBe('a-b-x-f|', {
        a: absorb(a),
        b: absorb(b),
        x: emit(c, ...results(c, [{ start: 10, end: 20, latest: 20 }, { count: 2 }])),
        f: fail(d, new LateRecordFault(9, 21)),
      })
    }),
  )
})

describe('session windows', () => {
  const window = { session: '10ms' } as const
  const into = { all: { collect: 'record.x' } } as const

  it(
    'grow with each record, and become one by a record between them',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c, d] = [at(0, { x: 'a' }), at(20, { x: 'b' }), at(31, { x: 'c' }), at(10, { x: 'd' })]
      const over = aggregate.over({ window, grace: '50ms', into }, context())

      expectObservable(cold('a-b-c-d|', { a, b, c, d }).pipe(over)).toBe('x-y-z-w|', {
        x: emit(a, ...results(a, [{ start: 0, end: 0, latest: 0 }, { all: ['a'] }])),
        y: emit(b, ...results(b, [{ start: 20, end: 20, latest: 20 }, { all: ['b'] }])),
        z: emit(c, ...results(c, [{ start: 31, end: 31, latest: 31 }, { all: ['c'] }])),
        w: emit(d, ...results(d, [{ start: 0, end: 20, latest: 20 }, { all: ['a', 'b', 'd'] }])),
      })
    }),
  )

  it(
    'close when no record came for the gap and the grace',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c, d, e] = [at(0), at(10), at(25, { key: 'b' }), at(26, { key: 'b' }), at(14)]
      const over = aggregate.over({ window, grace: '5ms', emit: 'close', ...count }, context())

      expectObservable(cold('a-b-c-d-e|', { a, b, c, d, e }).pipe(over)).toBe('a-b-c-x-e|', {
        a: absorb(a),
        b: absorb(b),
        c: absorb(c),
        x: emit(d, ...results(d, [{ start: 0, end: 10, latest: 10 }, { count: 2 }])),
        e: absorb(e),
      })
    }),
  )
})

it('any number of windows may close with one record', () => {
  const step = aggregate.build(
    aggregate.config.parse({ window: { tumbling: '10ms' }, emit: 'close', ...count }),
    context(),
  ) as (record: Record) => Outcome
  for (let n = 0; n < 200_000; n++) step(at(1, { key: `${n}` }))
  const closing = step(at(10))
  expect(closing.type === 'emit' && closing.results.length).toBe(200_000)
})

describe('records without a key', () => {
  const over = (keyless: 'deadLetter' | 'drop' | 'group') => aggregate.over({ keyless, ...count }, context())
  const a = at(1, { key: null })

  it('are dead-lettered unless the config says otherwise', async () => {
    expect(await faultOf(aggregate.over(count, context()), 1)).toMatch(/^The record has no key/)
  })

  it(
    'are dropped, or one group',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a|', { a }).pipe(over('drop'))).toBe('x|', { x: drop(a, 'no key') })
      expectObservable(cold('a-a|', { a }).pipe(over('group'))).toBe('x-y|', {
        x: emit(a, { ...a, value: { count: 1 } }),
        y: emit(a, { ...a, value: { count: 2 } }),
      })
    }),
  )
})

describe('the state', () => {
  const config = { window: { tumbling: '10ms' }, grace: '3ms', emit: 'close', ...count } as const

  it(
    'survives a restart, with stream time',
    marbles(({ cold, expectObservable }) => {
      const state = memoryState()
      const once = () => aggregate.over(config, context({ state }))
      const [a, b, c, d] = [at(9), at(14), at(1), at(13)]

      expectObservable(cold('a-b|', { a, b }).pipe(once())).toBe('a-x|', {
        a: absorb(a),
        x: emit(b, ...results(b, [{ start: 0, end: 10, latest: 9 }, { count: 1 }])),
      })
      expectObservable(cold('---c-d|', { c, d }).pipe(once())).toBe('---f-d|', {
        f: fail(c, new LateRecordFault(1, 14)),
        d: absorb(d),
      })
    }),
  )

  it.each([{ tumbling: '10ms' }, { hopping: '10ms', every: '2ms' }, { sliding: '10ms' }, { session: '10ms' }] as const)(
    'holds little more than the open windows: %o',
    (window) =>
      marbles(({ cold, flush }) => {
        for (const when of ['update', 'close'] as const) {
          const state = memoryState()
          const names = Array.from({ length: 200 }, (_, n) => String.fromCharCode(0x100 + n))
          const values = Object.fromEntries(names.map((name, n) => [name, at(n * 30, { key: name })]))
          cold(names.join(''), values)
            .pipe(aggregate.over({ window, emit: when, ...count }, context({ state })))
            .subscribe()
          flush()
          expect([...state.entries()].length).toBeLessThan(12)
        }
      })(),
  )

  it(
    'has no more windows than the buffer: the task stops, or the record is dead-lettered',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c] = [at(1), at(2, { key: 'b' }), at(3)]
      const over = (full: 'halt' | 'deadLetter') =>
        aggregate.over({ ...config, buffer: { windows: 1, full } }, context())

      expectObservable(cold('a-b|', { a, b }).pipe(over('halt'))).toBe('a-f|', {
        a: absorb(a),
        f: fail(b, new WindowsFullFault(1)),
      })
      expectObservable(cold('a-b-c|', { a, b, c }).pipe(over('deadLetter'))).toBe('a-f-c|', {
        a: absorb(a),
        f: fail(b, new EvictedRecordFault(1)),
        c: absorb(c),
      })
    }),
  )
})

describe('the config', () => {
  const problems = (config: unknown) =>
    aggregate.config.safeParse(config).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)

  it.each([
    [{ into: {} }, 'into: expected at least one field'],
    [{ ...count, emit: 'close' }, 'emit: "close" needs a `window`'],
    [{ ...count, grace: '1m' }, 'grace: it needs a `window`'],
    [{ ...count, window: {} }, 'window: expected one of'],
    [{ ...count, window: { hopping: '1h' } }, 'window: `hopping` and `every` go together'],
    [{ ...count, window: { hopping: '1h', every: '2h' } }, 'window.every: expected it to be no longer'],
    [{ ...count, window: { tumbling: '0s' } }, 'window.tumbling: expected more than no time'],
    [{ ...count, window: { tumbling: '1h' }, buffer: { windows: 1 } }, 'buffer: it is for `emit: close`'],
    [
      { into: { window_end: 'count' }, window: { tumbling: '1h' } },
      'into: a result with a window has a field window_end',
    ],
    [{ into: { x: { sum: 'record.x', min: 'record.x' } } }, 'into.x: expected count, or a function'],
  ])('%j says %s', (config, problem) => expect(problems(config)?.[0]).toContain(problem))

  it('with sessions wants aggregates that can be merged', () => {
    const into = { own: { reduce: { from: 0, with: 'total + record.x' } } }
    expect(() => aggregate.over({ window: { session: '1m' }, into }, context())).toThrow(
      'Two sessions can become one: "own" needs a "merge" that says what comes of both.',
    )
  })
})
