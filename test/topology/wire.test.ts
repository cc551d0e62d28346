import { delay, map, pipe } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { RecordedFault } from '../../src/record/fault.ts'
import { drop, emit, fail } from '../../src/record/outcome.ts'
import { runTopology } from '../../src/testing/index.ts'
import { catalogWith, operator } from '../support/pipeline.ts'

const catalog = catalogWith({
  operators: [
    operator('hold', (_, { scheduler }) => ({
      over: pipe(
        delay(10_000, scheduler),
        map((record) => emit(record)),
      ),
    })),
    operator('refuse', () => (record) => fail(record, new RecordedFault('record.refused', 'No.'))),
    operator('twice', () => (record) => emit(record, record, record)),
    operator('lose', () => (record) => drop(record, 'lost')),
  ],
})
const run = (config: string, given: { [source: string]: string }, expected: { [topic: string]: string }) =>
  runTopology(`name: p\n${config}`, { given, values: { a: 1, b: 2 }, expect: expected }, { catalog })

describe('streams that are wired together', () => {
  it('lose nothing when the input ends while timed operators hold records', async () => {
    await run(
      'sources: { in: { topic: {} } }\nstreams: { s: { from: in, steps: [hold: {}, hold: {}], to: { topic: out } } }',
      { in: 'ab|' },
      { out: '20s a(b|)' },
    )
  })

  it('tell a record from itself where it comes by two ways', async () => {
    const { captured } = await run(
      `
sources: { in: { topic: {} } }
streams:
  up: { from: in }
  s: { from: [in, up], steps: [refuse: {}], to: { topic: out } }`,
      { in: 'a---|' },
      { 'dlq.in': '(aa)|' },
    )
    const ids = captured.get('dlq.in')!.map(({ failure }) => failure!.id)
    expect(new Set(ids).size).toBe(2)
  })

  it('tell the results of a record from each other where their operator does not', async () => {
    const { captured } = await run(
      'sources: { in: { topic: {} } }\nstreams: { s: { from: in, steps: [twice: {}, refuse: {}], to: { topic: out } } }',
      { in: 'a---|' },
      { 'dlq.in': '(aa)|' },
    )
    const ids = captured.get('dlq.in')!.map(({ failure }) => failure!.id)
    expect(new Set(ids).size).toBe(2)
  })

  it('keep a record that is under way in a stream while it never entered the one before', async () => {
    const { logged } = await run(
      `
sources: { in: { topic: {} } }
streams:
  a: { from: in, steps: [lose: {}] }
  b: { from: a, to: { topic: b.out } }
  c: { from: in, steps: [hold: {}], to: { topic: c.out } }`,
      { in: 'a 10s |' },
      { 'c.out': '10s a|' },
    )
    expect(logged).toEqual([])
  })

  it('know a source from a branch by its whole name', async () => {
    await run(
      `
sources: { s.in: { topic: {} }, in: { topic: {} } }
streams:
  s: { from: in, to: { topic: out } }
  t: { from: [s.in, s], to: { topic: t.out } }`,
      { 's.in': 'a-|', in: '-b|' },
      { 't.out': 'ab|' },
    )
  })
})
