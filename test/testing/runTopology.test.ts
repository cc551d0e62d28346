import { firstValueFrom, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { withValue } from '../../src/record/record.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { capture } from '../support/capture.ts'
import { catalogWith, operator } from '../support/pipeline.ts'
import { expectConservation, runTopology, TopologyFailure, type TopologyTest } from '../../src/testing/index.ts'

type Price = { readonly price: number } | null

const check = operator('check', () => (record) => {
  const { price } = record.value as { readonly price: number }
  return price > 1 ? fail(record, new RecordedFault('price.too_high', `The price ${price} is above 1.`)) : emit(record)
})
const ask = operator('ask', () => ({
  concurrency: 2,
  each: async (record) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return emit(record, withValue(record, { asked: record.value }))
  },
}))
const forget = operator('forget', () => ({ concurrency: 2, each: () => new Promise(() => {}) }))
const waitASecond = operator('waitASecond', (_, { scheduler }) => ({
  concurrency: 2,
  each: async (record) => emit(record, withValue(record, await firstValueFrom(timer(1_000, scheduler)))),
}))
const twiceDown = operator('twiceDown', () => {
  let calls = 0
  return (record) => (++calls <= 2 ? fail(record, new RecordedFault('service.down', 'Down.', 'retry')) : emit(record))
})
const dropNull = operator('dropNull', () => (record) => (record.value === null ? drop(record, 'null') : emit(record)))
const catalog = catalogWith({
  operators: [check, ask, forget, waitASecond, twiceDown, dropNull],
  sinks: [capture],
})

const config = (steps: string, rest = '') => `
name: prices
sources: { prices: { topic: {} } }
streams: { clean: { from: prices, steps: [${steps}], to: [{ topic: prices.clean }, { capture: {} }] } }
${rest}
`
const run = (steps: string, test: TopologyTest, rest = '') => runTopology(config(steps, rest), test, { catalog })

const failureOf = async (work: Promise<unknown>): Promise<string> => {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(TopologyFailure)
  return (thrown as Error).message
}

const values = { a: { price: 1.7 }, b: { price: 0.4 } } satisfies { [letter: string]: Price }

describe('a topology under test', () => {
  it('does at each frame what its marbles say', async () => {
    await run('{ check: {} }', {
      given: { prices: 'a 59m b|' },
      values,
      expect: { 'prices.clean': '- 59m b|', 'dlq.prices': 'a 59m -|', 'clean.to.capture': '- 59m b|' },
    })
  })

  it('waits for promises, which take no virtual time', async () => {
    const { conservation } = await run('{ ask: {} }', {
      given: { prices: 'b-(bb)|' },
      values: { ...values, x: { asked: values.b } },
      expect: { 'prices.clean': 'x-(xx)|' },
    })
    expectConservation(conservation)
    expect(conservation).toEqual([
      { source: 'prices', stream: 'clean', read: 3, emitted: 3, dropped: 0, dead: 0, inFlight: 0 },
    ])
  })

  it('moves the clock for promises that wait for it', async () => {
    await run('{ waitASecond: {} }', {
      given: { prices: 'b|' },
      values: { ...values, x: 0 },
      expect: { 'prices.clean': '1s (x|)' },
    })
  })

  it('tries again on virtual time', async () => {
    await run('{ twiceDown: {} }', {
      given: { prices: 'b|' },
      values,
      expect: { 'prices.clean': '3s (b|)', 'dlq.prices': '3s |' },
    })
  })

  it('may watch only until its last frame', async () => {
    const { conservation } = await run('{ twiceDown: {} }', {
      given: { prices: 'b' },
      values,
      expect: { 'prices.clean': '2s -' },
    })
    expect(conservation).toMatchObject([{ read: 1, emitted: 0, inFlight: 1 }])
  })

  it('starts at the time that is given', async () => {
    const { captured } = await run('', { at: '2020-02-02T02:02:02Z', given: { prices: '1s b' }, values })
    expect(captured.get('prices.clean')).toMatchObject([{ frame: 1_000, timestamp: Date.UTC(2020, 1, 2, 2, 2, 3) }])
  })

  it('takes records that are spelled out, and compares what is spelled out', async () => {
    await run('{ dropNull: {} }, { check: {} }', {
      given: { prices: 'abtr|' },
      values: {
        a: { $value: values.a, $key: 'k', $fault: 'price.too_high', $operator: 'clean.check' },
        b: { $value: values.b, $key: 'k', $headers: { trace: '7' }, $timestamp: '2025-12-31T00:00:00Z' },
        t: { $key: 'k' },
        r: {
          $raw: '{"price":',
          $headers: [
            ['x', null],
            ['x', { base64: '/w==' }],
          ],
          $fault: 'value.unreadable',
        },
      },
      expect: { 'prices.clean': '-b--|', 'dlq.prices': 'a--r|' },
    })
  })

  it('reads letters out of JSON envelopes', async () => {
    const test = { given: { prices: 'a|' }, values: { a: { $value: values.a, $fault: 'price.too_high' } } }
    await run('{ check: {} }', { ...test, expect: { 'dlq.prices': 'a|' } }, 'deadLetters: { envelope: json }')
  })

  it('raises alerts', async () => {
    const alerts = 'monitor: { every: 10s, alerts: [{ when: size > 1, to: { capture: {} } }] }'
    const test = {
      given: { prices: 'aa 1m b' },
      values: { ...values, f: { state: 'firing', size: 2, topic: 'dlq.prices' } },
      expect: { alerts: '10s f 1m' },
    }
    await run('{ check: {} }', test, alerts)
    expect(await failureOf(run('{ check: {} }', { ...test, expect: { alerts: '20s f 1m' } }, alerts))).toContain('^')
  })
})

describe('a topology that does something else', () => {
  it('is shown as marbles, with the first difference marked', async () => {
    const message = await failureOf(
      run('{ check: {} }', {
        given: { prices: 'a 59m b|' },
        values: { ...values, c: { price: 0.5 } },
        expect: { 'prices.clean': '- 59m c|' },
      }),
    )
    expect(message).toBe(
      [
        'given     prices        a 59m b|',
        'expected  prices.clean  - 59m c|',
        'actual    prices.clean  - 59m b|',
        '                              ^',
        'expected c at 59m 1ms: {"price":0.5}',
        'found at 59m 1ms: {"price":0.4}',
        'price: expected 0.5, found 0.4',
        '',
        'also on dlq.prices: {"price":1.7} (price.too_high at clean.check: The price 1.7 is above 1.)',
      ].join('\n'),
    )
  })

  it.each([
    ['nothing', 'a 10s |', 'b', ['expected b at 0ms: {"price":0.4}', 'found nothing more']],
    ['too much', 'bb|', 'b', ['expected nothing more', 'found at 1ms: {"price":0.4}']],
    ['another time', 'b|', '-b', ['expected b at 1ms', 'found at 0ms']],
    ['another end', 'b-|', 'b|', ['expected the end at 1ms, it ended at 2ms']],
    ['no end', 'b', 'b|', ['expected the end at 1ms, it did not end']],
  ])('%s', async (_, given, expected, lines) => {
    const message = await failureOf(
      run('{ check: {} }', { given: { prices: given }, values, expect: { 'prices.clean': expected } }),
    )
    for (const line of lines) expect(message).toContain(line)
  })

  it('says which fault was expected', async () => {
    const message = await failureOf(
      run('{ check: {} }', {
        given: { prices: 'a' },
        values: { a: { $value: values.a, $fault: 'price.negative' } },
        expect: { 'dlq.prices': 'a' },
      }),
    )
    expect(message).toContain('actual    dlq.prices  a')
    expect(message).toContain('$fault: expected "price.negative", found "price.too_high"')
  })

  it('says where records are when an operator never ends', async () => {
    const test = { given: { prices: '(bb)|' }, values }
    await expect(runTopology(config('{ forget: {} }'), test, { catalog, patience: 600 })).rejects.toThrow(
      /records are under way at .* of virtual time, and nothing happened for 600ms: 2 at clean\.forget/,
    )
  })
})

describe('a test that cannot be meant', () => {
  it('names every mistake', async () => {
    const test: TopologyTest = {
      given: { price: 'a', prices: 'b 10s|' },
      values: { a: { $values: 1, $key: 'k' } },
      expect: { 'price.clean': 'a', alerts: 'a', 'prices.clean': '#' },
    }
    const message = await run('', test).then(
      () => '',
      (error: Error) => error.message,
    )
    expect(message.split('\n')).toEqual([
      expect.stringMatching(/^values\.a: .*known are \$value/),
      'given.price: `price` is not a source of this pipeline; did you mean `prices`?',
      'given.prices: `b`, `1`, `0`, `s` without a value under `values`; time that passes needs spaces around it: ` 10s `',
      'expect.price.clean: `price.clean` is not a topic, dead-letter topic or sink of this pipeline; did you mean `prices.clean`?',
      'expect.alerts: this pipeline has no alerts; add them under `monitor.alerts`',
      'expect.prices.clean: `#` means nothing in marbles; expected letters, `-`, `(ab)`, ` 10s ` and `|`',
    ])
  })
})

describe('expectConservation', () => {
  const row = { source: 's', stream: 't', read: 4, emitted: 1, dropped: 1, dead: 1, inFlight: 1 }

  it('accepts what adds up', () => {
    expectConservation([row])
  })

  it.each([
    { ...row, read: 5 },
    { ...row, emitted: 3, inFlight: -1 },
  ])('refuses %o', (broken) => {
    expect(() => expectConservation([broken])).toThrow('records of s are not conserved in t: read')
  })
})
