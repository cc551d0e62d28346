import { expect, it } from 'vitest'
import { Lineage } from '../../src/topology/lineage.ts'
import { UnderWay } from '../../src/topology/underWay.ts'

const lineageOf = (offset: number, bytes: number): Lineage =>
  new Lineage('in', {
    topic: 'in',
    partition: 0,
    offset: BigInt(offset),
    key: null,
    value: Buffer.alloc(bytes),
    headers: [],
    timestamp: 0,
  })

it('there is room for many small records', () => {
  const underWay = new UnderWay()
  const lineages = Array.from({ length: 10_000 }, (_, n) => lineageOf(n, 8))
  for (const lineage of lineages.slice(1)) underWay.add(lineage)
  expect(underWay.full).toBe(false)
  underWay.add(lineages[0]!)
  expect(underWay.full).toBe(true)
  underWay.end(lineages[0]!)
  expect(underWay.full).toBe(false)
})

it('there is room for a few large records', () => {
  const underWay = new UnderWay()
  const [first, second] = [lineageOf(0, 16_777_216), lineageOf(1, 16_777_216)]
  underWay.add(first)
  underWay.add(first)
  expect(underWay.full).toBe(false)
  underWay.add(second)
  expect(underWay.full).toBe(true)
  expect(underWay.end(first)).toBe(true)
  expect(underWay.end(first)).toBe(false)
  underWay.add(first)
  expect(underWay.full).toBe(true)
})
