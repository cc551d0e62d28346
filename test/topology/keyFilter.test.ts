import { expect, it } from 'vitest'
import { KeyFilter } from '../../src/topology/keyFilter.ts'

it('knows every key that was added, and few that were not, as it grows', () => {
  const filter = new KeyFilter()
  const count = 100_000
  for (let key = 0; key < count; key++) filter.add(`key-${key}`)
  let [missed, mistaken] = [0, 0]
  for (let key = 0; key < count; key++) {
    if (!filter.mayHave(`key-${key}`)) missed++
    if (filter.mayHave(`other-${key}`)) mistaken++
  }
  expect(missed).toBe(0)
  expect(mistaken / count).toBeLessThan(0.05)
  expect(filter.size).toBeGreaterThan(0.95 * count)
})
