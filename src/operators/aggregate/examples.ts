import type { Example } from '../../component/operator.ts'

const hour = (start: string, end: string, more: object) => ({
  window_start: `2026-01-08T${start}:00.000Z`,
  window_end: `2026-01-08T${end}:00.000Z`,
  ...more,
})
const at = (time: string, more: object = {}) => ({ at: `2026-01-08T${time}Z`, ...more })

/** Records of documented examples have no keys, hence `keyless: group`. */
export const examples: readonly Example[] = [
  {
    title: 'A running average since ever, with every record',
    config: {
      keyless: 'group',
      into: { orders: 'count', total: { sum: 'record.price' }, average: { average: 'record.price' } },
    },
    given: [{ price: 10 }, { price: '5.50' }, { price: 'free' }],
    expect: [
      [{ orders: 1, total: 10, average: 10 }],
      [{ orders: 2, total: 15.5, average: 7.75 }],
      'fail number.unreadable',
    ],
  },
  {
    title: 'A count by the hour, once the hour is over; late records are dead-lettered',
    config: { window: { tumbling: '1h' }, at: 'record.at', emit: 'close', keyless: 'group', into: { orders: 'count' } },
    given: [at('10:15:00'), at('10:59:59.999'), at('11:00:00'), at('10:30:00'), at('13:05:00'), { at: 'noon' }],
    expect: [
      [],
      [],
      [hour('10:00', '11:00', { orders: 2 })],
      'fail record.late',
      [hour('11:00', '12:00', { orders: 1 })],
      'fail time.unreadable',
    ],
  },
  {
    title: 'Hopping windows, with every record',
    config: {
      window: { hopping: '1h', every: '30m' },
      at: 'record.at',
      keyless: 'group',
      into: { lowest: { min: 'record.price' } },
    },
    given: [at('10:15:00', { price: 3 }), at('10:40:00', { price: 2 })],
    expect: [
      [hour('09:30', '10:30', { lowest: 3 }), hour('10:00', '11:00', { lowest: 3 })],
      [hour('10:00', '11:00', { lowest: 2 }), hour('10:30', '11:30', { lowest: 2 })],
    ],
  },
  {
    title: 'Sessions: half an hour without a record ends one',
    config: {
      window: { session: '30m' },
      at: 'record.at',
      keyless: 'group',
      into: { pages: { collect: 'record.page' } },
    },
    given: [at('10:00:00', { page: 'a' }), at('10:20:00', { page: 'b' }), at('11:00:00', { page: 'c' })],
    expect: [
      [hour('10:00', '10:00', { pages: ['a'] })],
      [hour('10:00', '10:20', { pages: ['a', 'b'] })],
      [hour('11:00', '11:00', { pages: ['c'] })],
    ],
  },
  {
    title: 'An expression, and an aggregate of your own',
    config: {
      keyless: 'group',
      into: {
        doubled: { reduce: { from: 0, with: 'total + record.x * 2' } },
        spread: { use: './aggregates/spread.ts' },
      },
    },
    given: [{ x: 1 }, { x: 4 }],
    expect: [[{ doubled: 2, spread: 0 }], [{ doubled: 10, spread: 3 }]],
  },
]
