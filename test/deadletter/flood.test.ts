import { describe, expect, it } from 'vitest'
import { FloodGuard } from '../../src/deadletter/flood.ts'

const outcomes = (text: string): boolean[] => [...text].map((letter) => letter === 'x')
const guarded = (...units: readonly string[]): boolean[] => {
  const guard = new FloodGuard({ ratio: 0.5, of: 4 })
  return units.map((unit) => guard.admits(outcomes(unit)))
}

describe('a flood guard of half of the last four', () => {
  it.each([
    ['says nothing before it has seen four', ['xx', 'x'], [true, true]],
    ['counts over units', ['..', 'x', 'x'], [true, true, false]],
    ['lets a share below the ratio pass', ['...x', '...x'], [true, true]],
    ['notices a flood in the middle of a unit that is longer than its window', ['....xx..........'], [false]],
    ['notices a flood over the end of one unit and the start of the next', ['......x', 'x......'], [true, false]],
  ])('%s', (_, units, admitted) => {
    expect(guarded(...units)).toEqual(admitted)
  })

  it('does not let the same unit pass when it comes again', () => {
    expect(guarded('....xx..........', '....xx..........')).toEqual([false, false])
  })

  it('takes a short unit for a sign, good or bad', () => {
    expect(guarded('xxxx', 'x', '.', 'x')).toEqual([false, false, true, true])
  })

  it('is not moved by a unit without outcomes', () => {
    expect(guarded('xxxx', '', 'x')).toEqual([false, true, false])
  })
})
