import { describe, expect, it } from 'vitest'
import { readTimeline, writeTime } from '../../src/testing/timeline.ts'

describe('marbles of a topology', () => {
  it('are read as RxJS reads them in run mode', () => {
    expect(readTimeline('a-b 4s (cd)|')).toEqual({
      marks: [
        { frame: 0, letter: 'a' },
        { frame: 2, letter: 'b' },
        { frame: 4_003, letter: 'c' },
        { frame: 4_003, letter: 'd' },
      ],
      end: 4_007,
      length: 4_008,
    })
  })

  it('know hours and days, also at their end', () => {
    expect(readTimeline('1.5h a 2d')).toEqual({
      marks: [{ frame: 5_400_000, letter: 'a' }],
      end: undefined,
      length: 5_400_001 + 172_800_000,
    })
  })

  it('may be empty', () => {
    expect(readTimeline('')).toEqual({ marks: [], end: undefined, length: 0 })
    expect(readTimeline('|')).toEqual({ marks: [], end: 0, length: 1 })
  })

  it.each([
    ['a#', '`#` means nothing in marbles'],
    ['^a', '`^` means nothing in marbles'],
    ['a!', '`!` means nothing in marbles'],
    ['(ab', 'a group is not closed'],
    ['((a))', 'a group is not closed or lies inside another'],
    ['a|b', 'nothing can come after `|`'],
  ])('%s is refused', (text, problem) => {
    expect(() => readTimeline(text)).toThrow(problem)
  })

  it('leave the frames of RxJS as they are for other tests', () => {
    readTimeline('a')
    expect(readTimeline('-a').marks).toEqual([{ frame: 1, letter: 'a' }])
  })
})

describe('time as marbles write it', () => {
  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [3_540_001, '59m 1ms'],
    [90_000_000, '1d 1h'],
  ])('%i is %s', (milliseconds, text) => {
    expect(writeTime(milliseconds)).toBe(text)
  })
})
