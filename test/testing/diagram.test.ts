import { expect, it } from 'vitest'
import { drawMarbles } from '../../src/testing/diagram.ts'
import { readTimeline } from '../../src/testing/timeline.ts'

const draw = (marked: number, ...lines: readonly (readonly [label: string, marbles: string])[]): string =>
  drawMarbles(
    lines.map(([label, marbles]) => ({ label, ...readTimeline(marbles) })),
    marked,
  ).join('\n')

it('puts what happens at one time into one column', () => {
  expect(draw(3_540_001, ['given', 'a 59m b|'], ['expected', '- 59m b|'], ['actual', '- 59m -|'])).toBe(
    [
      'given     a 59m b|', //
      'expected  - 59m b|',
      'actual    - 59m -|',
      '                ^',
    ].join('\n'),
  )
})

it('makes room for groups', () => {
  expect(draw(1, ['given', 'a(bc)d'], ['actual', '--- 10s x|'])).toBe(
    [
      'given   a(bc)d 9s 997ms --', //
      'actual  ------ 9s 997ms x|',
      '         ^',
    ].join('\n'),
  )
})

it('ends a line where its end is', () => {
  expect(draw(4, ['given', 'a|'], ['actual', '-a--b'])).toBe(
    [
      'given   a|', //
      'actual  -a--b',
      '            ^',
    ].join('\n'),
  )
})
