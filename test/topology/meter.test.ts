import { expect, it } from 'vitest'
import { incrementNamed } from '../../src/topology/meter.ts'

it('names that never end are counted under one', () => {
  const counts = new Map<string, number>()
  for (let n = 0; n < 1_000; n++) incrementNamed(counts, `reason ${n}`)
  incrementNamed(counts, 'reason 1')
  expect(counts.size).toBe(101)
  expect(counts.get('reason 1')).toBe(2)
  expect(counts.get('other')).toBe(900)
})
