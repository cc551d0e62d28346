import { describe, expect, it } from 'vitest'
import { memoryState } from '../../../src/component/state.ts'
import { join } from '../../../src/operators/join.ts'
import type { TwoSided } from '../../../src/component/operator.ts'
import type { Ending } from '../../../src/record/outcome.ts'
import { context } from '../../support/context.ts'
import { record } from '../../support/records.ts'
import { joined, left, outcomesOf, right, told, type JoinInput } from './bothSides.ts'

const inner: JoinInput = { stream: 'other', within: '10ms', as: 'o' }
const leftJoin: JoinInput = { ...inner, type: 'left' }
const outer: JoinInput = { ...inner, type: 'outer' }

describe('join within a span of time', () => {
  it('brings records of one key together, whichever came first, at the later of their times', () => {
    expect(outcomesOf(inner, [left(5, { l: 1 }), right(9, 'a'), left(7, { l: 2 }), right(6, 'b', 'other')])).toEqual([
      [],
      [[{ l: 1, o: 'a' }, 9]],
      [[{ l: 2, o: 'a' }, 9]],
      [],
    ])
  })

  it('takes the bounds of the window in: from so much before the left record to so much after it', () => {
    const window = { ...inner, within: { before: '3ms', after: '5ms' }, grace: '2ms' }
    const given = [left(100, {}), right(97, 'a'), right(96, 'b'), right(105, 'c'), right(106, 'd')]
    expect(outcomesOf(window, given)).toEqual([[], [[{ o: 'a' }, 100]], [], [[{ o: 'c' }, 105]], []])
    expect(outcomesOf(window, [...given.slice(1), given[0]!]).at(-1)).toEqual([
      [{ o: 'a' }, 100],
      [{ o: 'c' }, 105],
    ])
  })

  it('keeps all records of one time, and meets them in order of time, then as they came', () => {
    const given = [right(8, 'c'), right(4, 'a'), right(4, 'b'), left(6, {})]
    expect(outcomesOf(inner, given).at(-1)).toEqual([
      [{ o: 'a' }, 6],
      [{ o: 'b' }, 6],
      [{ o: 'c' }, 8],
    ])
  })

  it('meets hundreds of records of one key', () => {
    const many = Array.from({ length: 300 }, (_, n) => right(n % 10, n))
    const met = outcomesOf(inner, [...many, left(5, {})]).at(-1) as [{ o: number }, number][]
    const expected = many.toSorted((a, b) => a.time - b.time).map(({ value }) => value)
    expect(met.map(([{ o }]) => o)).toEqual(expected)
  })

  it('gives each result of one record an index of its own, its key, and the origin of the record that caused it', () => {
    const take = joined(leftJoin)
    take(left(1, { l: 1 }, 'x'))
    take(right(50, 'a'))
    const outcome = take(left(55, { l: 2 }))
    if (outcome.type !== 'emit') throw new Error(outcome.type)
    expect(outcome.results.map(({ key }) => key!.toString())).toEqual(['k'])
    const last = take(left(90, { l: 3 }, 'y'))
    take(left(91, { l: 4 }, 'y'))
    const both = take(right(200, 'b', 'z'))
    if (last.type !== 'emit' || both.type !== 'emit') throw new Error(both.type)
    expect(both.results.map(({ key, index, origin }) => [key!.toString(), index, origin])).toEqual([
      ['y', '.0', both.record.origin],
      ['y', '.1', both.record.origin],
    ])
  })

  it('dead-letters a record that is too late to be kept and met none, or drops it', () => {
    const given = [left(100, {}), left(80, {}), left(81, {})]
    expect(outcomesOf(inner, given)).toEqual([[], 'fail record.late', []])
    expect(outcomesOf({ ...inner, late: 'drop' }, given)).toEqual([[], 'drop late', []])
    expect(outcomesOf({ ...inner, grace: '1ms' }, given)).toEqual([[], [], []])
  })

  it('lets a late record meet those that are still kept', () => {
    expect(outcomesOf(inner, [right(85, 'a'), left(100, {}), left(80, { l: 1 })])).toEqual([
      [],
      [],
      [[{ l: 1, o: 'a' }, 85]],
    ])
  })

  it('may let any number of records leave with one', () => {
    const take = joined(outer)
    for (let n = 0; n < 150_000; n++) take(left(1, {}, `${n}`))
    expect(told(take(right(50, 'a')))).toHaveLength(150_000)
  })

  it('drops a record without a value, which joins nothing', () => {
    expect(outcomesOf(inner, [right(1, 'a'), left(1, null)])).toEqual([[], 'drop no value'])
  })

  it('does with a record without a key what the config says', () => {
    const keyless = (keyless: 'deadLetter' | 'drop' | 'keep', type: 'left' | 'outer' = 'left') =>
      outcomesOf({ ...inner, type, keyless }, [left(1, { l: 1 }, null), right(1, 'a', null)])
    expect(keyless('deadLetter')).toEqual(['fail record.no_key', 'fail record.no_key'])
    expect(keyless('drop')).toEqual(['drop no key', 'drop no key'])
    expect(keyless('keep')).toEqual([[[{ l: 1 }, 1]], 'fail record.no_key'])
    expect(keyless('keep', 'outer')).toEqual([[[{ l: 1 }, 1]], [[{ o: 'a' }, 1]]])
  })

  it('dead-letters a record of its own stream that can hold no field, before it is kept', () => {
    expect(outcomesOf(inner, [left(1, 'text'), right(1, 'a')])).toEqual(['fail field.unplaceable', []])
  })

  it('takes the times of events from fields, of either stream its own', () => {
    const given = [left(0, { at: 5 }), right(0, { time: '1970-01-01T00:00:00.009Z' }), right(0, { time: 'now' })]
    expect(outcomesOf({ ...inner, at: 'record.at', otherAt: 'record.time' }, given)).toEqual([
      [],
      [[{ at: 5, o: { time: '1970-01-01T00:00:00.009Z' } }, 9]],
      'fail time.unreadable',
    ])
  })
})

describe('a record that meets none', () => {
  it('leaves alone with the first record behind its window and grace, in order of times, right before left', () => {
    const given = [left(1, { l: 1 }), right(30, 'a', 'x'), left(30, { l: 2 }), left(40, {}), left(41, { l: 3 })]
    expect(outcomesOf(outer, given)).toEqual([
      [],
      [[{ l: 1 }, 1]],
      [],
      [],
      [
        [{ o: 'a' }, 30],
        [{ l: 2 }, 30],
      ],
    ])
  })

  it('leaves no sooner than its own window closes, though one before it leaves', () => {
    const given = [left(1, { l: 1 }), left(2, { l: 2 }), right(12, 'a', 'x'), right(13, 'a', 'x')]
    expect(outcomesOf(leftJoin, given).slice(2)).toEqual([[[{ l: 1 }, 1]], [[{ l: 2 }, 2]]])
  })

  it('waits for grace, too', () => {
    const given = [left(1, { l: 1 }), right(16, 'x', 'x'), right(17, 'x', 'x')]
    expect(outcomesOf({ ...leftJoin, grace: '5ms' }, given)).toEqual([[], [], [[{ l: 1 }, 1]]])
  })

  it('waits on the left as long as right ones may come after it, on the right as long as left ones may', () => {
    const window = { ...outer, within: { before: '20ms', after: '5ms' } }
    const given = [left(10, { l: 1 }, 'x'), right(10, 'a', 'y'), left(16, { l: 2 }), right(31, 'b')]
    expect(outcomesOf(window, given).slice(2)).toEqual([
      [[{ l: 1 }, 10]],
      [
        [{ o: 'a' }, 10],
        [{ l: 2 }, 16],
      ],
    ])
  })

  it('does not leave alone once it met one', () => {
    const given = [left(1, { l: 1 }), left(1, { l: 2 }), right(5, 'a'), right(50, 'b')]
    expect(outcomesOf(leftJoin, given)).toEqual([
      [],
      [],
      [
        [{ l: 1, o: 'a' }, 5],
        [{ l: 2, o: 'a' }, 5],
      ],
      [],
    ])
  })

  it('leaves at once where its window is closed already', () => {
    expect(outcomesOf(leftJoin, [right(100, 'a'), left(89, { l: 1 }), left(90, { l: 2 })])).toEqual([
      [],
      [[{ l: 1 }, 89]],
      [[{ l: 2, o: 'a' }, 100]],
    ])
  })

  it('has no field of the name that the other would stand under', () => {
    expect(outcomesOf(leftJoin, [right(100, 'a', 'x'), left(1, { l: 1, o: 'old' })])[1]).toEqual([[{ l: 1 }, 1]])
  })
})

describe('a record of an inner join that meets none', () => {
  it('is told of when its window is closed, also where it was closed when it came', () => {
    const config = join.config.parse({ ...inner, missing: 'deadLetter', otherMissing: 'drop' })
    const { left, right, clock } = join.build(config, context()) as TwoSided
    const at = (timestamp: number) => record({ at: timestamp }, { key: Buffer.from('k'), timestamp })
    left(at(1))
    right(at(1 + 11))
    const early = at(12 - 11)
    left(early)
    expect(clock!.due()).toBe(0)
    const told = clock!.tick(0) as Ending[]
    expect(told.map((ending) => [ending.type, (ending.record.value as { at: number }).at])).toEqual([
      ['fail', 1],
      ['fail', 1],
    ])
    expect(told[1]!.record.origin).toEqual(early.origin)
    expect(clock!.due()).toBeUndefined()
    right(at(40))
    expect((clock!.tick(0) as Ending[]).map(({ type }) => type)).toEqual(['drop'])
  })
})

describe('the state of a join', () => {
  it('is bounded by window and grace', () => {
    const state = memoryState()
    const take = joined(outer, { state })
    let most = 0
    for (let time = 0; time < 2_000; time++) {
      take(left(time, {}, `l${time % 7}`))
      take(right(time, 'a', `r${time % 7}`))
      most = Math.max(most, [...state.entries()].length)
    }
    // Both windows and what waits: some 20 ms of both sides.
    expect(most).toBeLessThan(150)
  })

  it('lets go of what met none though another config once kept what holds no such field', () => {
    const state = memoryState()
    const before = (changed: JoinInput) => joined({ ...leftJoin, ...changed }, { state })
    const first = before({ stream: 'other', as: 'o' })
    first(left(1, { l: 1 }))
    first(left(8, { deep: 'text' }, 'x'))
    const kept = [...state.entries()]
    const second = before({ stream: 'other', as: 'deep.o' })
    expect(told(second(right(12, 'a', 'x')))).toBe('fail field.unplaceable')
    // As the kernel does where a call fails.
    for (const [key] of state.entries()) state.delete(key)
    for (const [key, value] of kept) state.set(key, value)
    expect(told(second(right(12, 'a')))).toEqual([[{ l: 1 }, 1]])
  })

  it('has nothing of a record that is dead-lettered', () => {
    const state = memoryState()
    const take = joined(inner, { state })
    take(left(100, {}))
    const before = [...state.entries()]
    expect(take(left(1, {})).type).toBe('fail')
    expect([...state.entries()]).toEqual(before)
  })
})
