import type { Example } from '../../component/operator.ts'

export const examples: readonly Example[] = [
  {
    title: 'Clicks with the impressions of the hour before them',
    config: { stream: 'impressions', within: { before: '1h', after: '0s' }, grace: '5m', as: 'impression' },
    other: [{ page: '/a' }, { page: '/b' }],
    given: [{ x: 3 }],
    expect: [
      [
        { x: 3, impression: { page: '/a' } },
        { x: 3, impression: { page: '/b' } },
      ],
    ],
  },
  {
    title: 'A record that meets none waits for its window to close, and leaves alone then',
    config: { stream: 'payments', within: '1d', type: 'left', as: 'payment' },
    given: [{ order: 1 }],
    expect: [[]],
  },
  {
    title: 'Orders with what the table has of their product',
    config: { table: 'products', as: 'product', missing: 'deadLetter' },
    other: [{ name: 'oar' }],
    given: [{ pieces: 2 }],
    expect: [[{ pieces: 2, product: { name: 'oar' } }]],
  },
  {
    title: 'Visits with their country, by what they say of it and not by their key, from a global table',
    config: { table: 'countries', by: 'record.country', as: 'country', type: 'left', keyless: 'keep' },
    other: [{ name: 'Norway' }],
    given: [
      { page: '/a', country: 'no' },
      { page: '/b', country: null },
    ],
    expect: [[{ page: '/a', country: { name: 'Norway' } }], [{ page: '/b' }]],
  },
  {
    title: 'Orders with the customer that they refer to, each as it is last: what is told comes once both are there',
    config: { stream: 'customers', foreignKey: 'record.customer', as: 'customer' },
    given: [{ customer: null }],
    expect: ['fail record.no_key'],
  },
  {
    title: 'The latest of both sides: each record of either gives a result',
    config: { stream: 'limits', latest: true, type: 'left', as: 'limit' },
    other: [{ euros: 100 }],
    given: [{ balance: 40 }, null],
    expect: [[{ balance: 40, limit: { euros: 100 } }], [null]],
  },
]
