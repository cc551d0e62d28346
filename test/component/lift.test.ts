import { firstValueFrom, from, map, Observable, of, tap, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { lift } from '../../src/component/lift.ts'
import type { Step } from '../../src/component/operator.ts'
import type { RecordedFault } from '../../src/record/fault.ts'
import { drop, emit, fail, type Outcome } from '../../src/record/outcome.ts'
import { withValue, type Record } from '../../src/record/record.ts'
import { record } from '../support/records.ts'

const run = (step: Step, records: readonly Record[]): Promise<Outcome[]> =>
  firstValueFrom(from(records).pipe(lift(step, { name: 's.odd' }), toArray()))

/** The same thing done by a synchronous, an asynchronous and a timed step. */
const kinds: readonly (readonly [string, (apply: (record: Record) => Outcome) => Step])[] = [
  ['synchronous', (apply) => apply],
  ['asynchronous', (apply) => ({ each: (record) => Promise.resolve(apply(record)), concurrency: 4 })],
  ['timed', (apply) => ({ over: map(apply) })],
]

const nonsense: readonly (readonly [string, (record: Record) => unknown])[] = [
  ['nothing', () => undefined],
  ['null', () => null],
  ['a value', () => 7],
  ['an unknown type', (record) => ({ type: 'sent', record })],
  ['an emit without results', (record) => ({ type: 'emit', record })],
  ['an emit of something else', (record) => ({ type: 'emit', record, results: [undefined] })],
  ['a failure without fault', (record) => ({ type: 'fail', record })],
]

describe.each(kinds)('a step that is %s,', (_, step) => {
  it.each(nonsense)('and gives %s, fails its record, and the next one passes', async (_what, odd) => {
    const [first, second] = [record(1), record(2)]
    const outcomes = await run(
      step((each) => (each === first ? odd(each) : emit(each)) as Outcome),
      [first, second],
    )
    expect(outcomes).toEqual([
      { type: 'fail', record: first, fault: expect.objectContaining({ code: 'operator.threw' }) },
      emit(second),
    ])
  })

  it('and fails a record with a plain error, has it as its cause', async () => {
    const cause = new Error('plain')
    const [outcome] = await run(
      step((each) => fail(each, cause as RecordedFault)),
      [record(1)],
    )
    expect(outcome).toMatchObject({ type: 'fail', fault: { code: 'operator.threw', cause } })
  })
})

it.each(kinds.slice(0, 2))('a step that is %s answers for its record, not for a copy of it', async (_, step) => {
  const first = record(1)
  const outcomes = await run(
    step((each) => drop(withValue(each, 2), 'old')),
    [first],
  )
  expect(outcomes[0]!.record).toBe(first)
})

describe('a timed step', () => {
  it('that throws before it has a stream fails the record, and is set up anew for the next', async () => {
    let first = true
    const over: Extract<Step, { over: unknown }>['over'] = (records) => {
      if (!first) return records.pipe(map((each) => emit(each)))
      first = false
      throw new Error('not now')
    }
    const outcomes = await run({ over }, [record(1), record(2)])
    expect(outcomes.map(({ type }) => type)).toEqual(['fail', 'emit'])
  })

  it('that let out a stranger is let go of', async () => {
    let open = 0
    const over: Extract<Step, { over: unknown }>['over'] = (records) =>
      new Observable<Outcome>((subscriber) => {
        open++
        subscriber.add(() => open--)
        subscriber.add(records.pipe(map((each) => emit({ ...each }))).subscribe(subscriber))
      })
    const still: number[] = []
    await firstValueFrom(
      of(record(1), record(2)).pipe(
        lift({ over }, { name: 's.odd' }),
        tap(() => still.push(open)),
        toArray(),
      ),
    )
    expect(still).toEqual([0, 0])
  })
})
