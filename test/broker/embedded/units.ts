import type { Unit } from '../../../src/broker/broker.ts'

/** Records that each unit adds to the topic "out", over all its partitions. */
export const outputsPerUnit = 120

/** The n-th unit of a chain, counted from 1: whatever it changes can be checked against n. */
export const makeUnit = (n: number): Unit => {
  const outputs = Array.from({ length: outputsPerUnit }, (_, i) => ({
    topic: 'out',
    key: Buffer.from(`key-${i}`),
    value: Buffer.from(`${n}.${i}`.padEnd(500, '-')),
    headers: [['unit', Buffer.from(String(n))]] as const,
    timestamp: n,
  }))
  const input = { topic: 'in', key: null, value: Buffer.from(String(n)), headers: [], timestamp: n }
  return {
    group: 'units',
    task: '0',
    outputs: [input, ...outputs],
    offsets: [{ topic: 'in', partition: 0, offset: BigInt(n) }],
    state: [
      { store: 'units', key: 'last', value: Buffer.from(String(n)) },
      { store: 'done', key: String(n).padStart(9, '0'), value: Buffer.from('x') },
      { store: 'done', key: String(n - 1).padStart(9, '0'), value: null },
    ],
    counts: [{ source: 'in', stream: 'units', read: 1, emitted: 1, dropped: 0, dead: 0 }],
  }
}
