import { describe, expect, it } from 'vitest'
import { murmur2, partitionOf } from '../../src/broker/partition.ts'

describe('murmur2', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %j is what the Java client says', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })
})

describe('partitionOf', () => {
  it('takes the hash without its sign', () => {
    expect(partitionOf(Buffer.from('21'), 1_000)).toBe((-973932308 & 0x7fffffff) % 1_000)
    expect(partitionOf(Buffer.from('abc'), 1_000)).toBe(107)
  })

  it('has a place for the empty key', () => {
    expect(partitionOf(Buffer.alloc(0), 1)).toBe(0)
    expect(partitionOf(Buffer.alloc(0), 7)).toBeLessThan(7)
  })
})
