import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asyncScheduler, from, lastValueFrom, NEVER, toArray } from 'rxjs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { use } from '../../src/operators/use.ts'
import { BadResultFault } from '../../src/operators/use/verdict.ts'
import { RecordedFault, UnexpectedFault } from '../../src/record/fault.ts'
import { drop, emit, fail, type Outcome } from '../../src/record/outcome.ts'
import { nth, withValue, type Record } from '../../src/record/record.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

/** Writes a user's file; gives its path. */
function file(code: string, name = 'own.ts'): string {
  const path = join(mkdtempSync(join(tmpdir(), 'use-')), name)
  writeFileSync(path, code)
  return path
}

const outcomes = (path: string, ...records: readonly Record[]): Promise<Outcome[]> =>
  lastValueFrom(from(records).pipe(use.over(path, context()), toArray()))

describe('use, with a function', () => {
  it(
    'emits what it returns, drops for nothing, fails for a throw, and carries on',
    marbles(({ cold, expectObservable }) => {
      const path = file(`export default (value: { n: number }) => {
      if (value.n < 0) throw new RangeError('below zero')
      if (value.n > 0) return { half: value.n / 2 }
    }`)
      const a = record({ n: 4 })
      const b = record({ n: 0 })
      const x = record({ n: -1 })

      expectObservable(cold('x-b-a|', { a, b, x }).pipe(use.over(path, context()))).toBe('f-d-e|', {
        f: fail(x, new UnexpectedFault('articles.operator', new RangeError('below zero'))),
        d: drop(b, 'returned nothing'),
        e: emit(a, withValue(a, { half: 2 })),
      })
    }),
  )

  it('may import RxJS from where it is not installed', async () => {
    const path = file(`import { map } from 'rxjs'
      import { filter } from 'rxjs/operators'
      export const over = (records, { emit }) => records.pipe(filter(() => true), map((record) => emit(record, 'seen')))`)
    const only = record('text')
    expect(await outcomes(path, only)).toEqual([emit(only, withValue(only, 'seen'))])
  })

  it('makes any number of records of one', async () => {
    const each = file('export default (n, record, { many }) => many(Array.from({ length: n }, (_, at) => at))')
    const [outcome] = await outcomes(each, record(200_000))
    expect(outcome?.type === 'emit' && outcome.results.length).toBe(200_000)
  })

  it('takes what the tools make', async () => {
    const path = file(`export default (value, record, { many, value: one, drop, fail }) => {
      if (value === 'many') return many([1, { two: 2 }])
      if (value === 'none') return many([])
      if (value === 'list') return one([1, 2])
      if (value === 'drop') return drop('too old')
      return fail('score.negative', 'It is ' + record.key, 'retry')
    }`)
    const records = ['many', 'none', 'list', 'drop', 'fail'].map((value) => record(value, { key: Buffer.from('k') }))
    const [many, none, list, dropped, failed] = records as [Record, Record, Record, Record, Record]

    expect(await outcomes(path, ...records)).toEqual([
      emit(many, nth(many, 0, 1), nth(many, 1, { two: 2 })),
      drop(none, 'returned nothing'),
      emit(list, withValue(list, [1, 2])),
      drop(dropped, 'too old'),
      fail(failed, new RecordedFault('score.negative', 'It is k', 'retry')),
    ])
  })

  it.each([
    [
      '[1, 2]',
      'It returned a list: return many(list) for a record each, or value(list) for one record that holds the list.',
    ],
    ['() => 1', 'What it returned is no value: the value is function, which JSON cannot hold.'],
    ['NaN', 'What it returned is no value: the value is NaN, which JSON cannot hold.'],
    ['({ a: { b: 1n } })', 'What it returned is no value: the value.a.b is bigint, which JSON cannot hold.'],
    ['new Map()', 'What it returned is no value: the value is an instance of Map, expected plain data.'],
    [
      "({ type: 'emit', then() {} })",
      'It returned a promise: declare the function "async", or say "concurrency" in the config.',
    ],
    [
      'Promise.reject(new Error())',
      'It returned a promise: declare the function "async", or say "concurrency" in the config.',
    ],
    [
      '(() => { const o = {}; o.o = o; return o })()',
      'What it returned is no value: it is nested deeper than 1000 levels.',
    ],
    ["tools.drop('too\\nold')", 'drop() takes a reason of one or two words, such as "too old".'],
    ["tools.fail('Bad', 'x')", 'fail() takes a code of the form noun.problem, such as "score.negative".'],
    ["tools.many('x')", 'many() takes a list of values.'],
  ])('never takes %s for a success silently', async (result, message) => {
    const a = record(1)
    const [outcome] = await outcomes(file(`export default (value, record, tools) => ${result}`), a)

    expect(outcome).toEqual(fail(a, new BadResultFault(message)))
  })

  it('cannot change the record it is given', async () => {
    const path = file(`export default (value, record) => {
      value.list.push(2)
      record.value.more = true
      record.key[0] = 0
      record.headers[0][1][0] = 0
      record.origin.offset = 99n
      return value
    }`)
    const a = record({ list: [1] }, { key: Buffer.from('k'), headers: [['h', Buffer.from('v')]] })
    const { offset } = a.origin
    const [outcome] = await outcomes(path, a)

    expect(outcome).toEqual(emit(a, withValue(a, { list: [1, 2], more: true })))
    expect(a.value).toEqual({ list: [1] })
    expect([`${a.key}`, `${a.headers[0]![1]}`, a.origin.offset]).toEqual(['k', 'v', offset])
  })

  it('passes bytes and dates on as data', async () => {
    const a = record(Buffer.from('raw'))
    const [outcome] = await outcomes(
      file('export default (value) => ({ at: new Date(0), size: value.length, gone: undefined })'),
      a,
    )

    expect(outcome).toEqual(emit(a, withValue(a, { at: '1970-01-01T00:00:00.000Z', size: 3 })))
  })
})

describe('use, with an async function', () => {
  it('awaits it, records of one key in order', async () => {
    const path = file(`
      const turn = () => new Promise((resolve) => setImmediate(resolve))
      export default async ({ turns, name }) => {
        for (let i = 0; i < turns; i++) await turn()
        if (name === 'x') throw new Error('no')
        return name
      }`)
    const key = Buffer.from('k')
    const a = record({ name: 'a', turns: 20 }, { key })
    const b = record({ name: 'b', turns: 0 }, { key })
    const x = record({ name: 'x', turns: 0 })

    expect(await outcomes(path, a, b, x)).toEqual([
      fail(x, new UnexpectedFault('articles.operator', new Error('no'))),
      emit(a, withValue(a, 'a')),
      emit(b, withValue(b, 'b')),
    ])
  })

  it('awaits a plain function too when told so', async () => {
    const path = file('export default (value) => Promise.resolve(value + 1)')
    const a = record(1)
    const config = { file: path, concurrency: 1 }

    expect(await lastValueFrom(from([a]).pipe(use.over(config, context())))).toEqual(emit(a, withValue(a, 2)))
  })

  it('aborts its signal when it is unsubscribed', async () => {
    const path = file(
      'export default async (value, record, { signal }) => { globalThis.seenSignal = signal; await new Promise(() => {}) }',
    )
    const seen = globalThis as { seenSignal?: AbortSignal }
    onTestFinished(() => void delete seen.seenSignal)
    from([record(1)])
      .pipe(use.over(path, context()))
      .subscribe()
      .unsubscribe()

    expect(seen.seenSignal?.aborted).toBe(true)
  })
})

describe('use, with an RxJS operator', () => {
  const rxjs = JSON.stringify(import.meta.resolve('rxjs').replace(/^file:\/\//, ''))

  it(
    'lets it keep records and let them out later, on the scheduler',
    marbles(({ cold, expectObservable }) => {
      const path = file(`
      import { createRequire } from 'node:module'
      const { delay, map } = createRequire(import.meta.url)(${rxjs})
      export const over = (records, { emit, drop, fail, scheduler }) => records.pipe(
        delay(5, scheduler),
        map((record) => {
          record.value.seen = true
          if (record.value.n === 1) return emit(record, record.value, { n: 2 })
          if (record.value.n === 2) return drop(record, 'too many')
          if (record.value.n === 3) return emit(record, NaN)
          if (record.value.n === 4) return fail(record, 'count.high', 'It is high.')
          return emit(record)
        }),
      )`)
      const [a, b, c, d, e] = [1, 2, 3, 4, 5].map((n) => record({ n })) as [Record, Record, Record, Record, Record]

      expectObservable(cold('abcde|', { a, b, c, d, e }).pipe(use.over(path, context()))).toBe('-----abcd(e|)', {
        a: emit(a, nth(a, 0, { n: 1, seen: true }), nth(a, 1, { n: 2 })),
        b: drop(b, 'too many'),
        c: fail(c, new BadResultFault('What it returned is no value: the value is NaN, which JSON cannot hold.')),
        d: fail(d, new RecordedFault('count.high', 'It is high.')),
        e: emit(e, withValue(e, { n: 5, seen: true })),
      })
    }),
  )

  it(
    'fails what is inside when it lets out something else',
    marbles(({ cold, expectObservable }) => {
      const path = file(`
      import { createRequire } from 'node:module'
      const { map } = createRequire(import.meta.url)(${rxjs})
      export const over = (records) => records.pipe(map((record) => record.value))`)
      const a = record({ n: 1 })
      const problem =
        '"over" let out something that is no outcome of a record: use its second argument, { emit, drop, fail }'

      expectObservable(cold('a-a|', { a }).pipe(use.over(path, context()))).toBe('f-f|', {
        f: fail(a, new UnexpectedFault('articles.operator', new Error(problem))),
      })
    }),
  )
})

describe('use, at the start', () => {
  const start = (path: string) => () =>
    use.over(path, context({ directory: tmpdir(), scheduler: asyncScheduler }))(NEVER)

  it.each([
    ['./no/such/file.ts', /^There is no file "\/.*no\/such\/file\.ts"\.$/],
    [file('export const other = 1'), /has no operator: expected "export default .* It exports "other"\.$/],
    [file('export default { a: 1 }'), /Its default export is object\.$/],
    [
      file('export default () => 1\nexport const over = () => 1'),
      /exports both a default and "over"; expected one of them/,
    ],
    [file('export default ('), /own\.ts" cannot be loaded: /],
    [file('throw new Error("at import")'), /cannot be loaded: at import$/],
    [file('export default () => 1\nawait Promise.resolve()'), /awaits at its top level/],
  ])('says what is wrong with %s', (path, message) => {
    expect(start(path)).toThrow(message)
  })

  it('takes only files of code', () => {
    expect(use.config.safeParse('./score.yaml').success).toBe(false)
  })

  it('takes a JavaScript file, and a path from the directory of the config', async () => {
    const path = file('export default (value) => value', 'own.mjs')
    const a = record(1)
    const directory = join(path, '..')

    expect(await lastValueFrom(from([a]).pipe(use.over('./own.mjs', context({ directory }))))).toEqual(emit(a))
  })
})
