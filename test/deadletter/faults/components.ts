import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstValueFrom, from } from 'rxjs'
import { redactor } from '../../../src/deadletter/redact.ts'
import { deadLetter } from '../../../src/deadletter/letter.ts'
import { readLetter } from '../../../src/deadletter/readLetter.ts'
import { catalog } from '../../../src/catalog.ts'
import type { Record } from '../../../src/record/record.ts'
import { context } from '../../support/context.ts'
import { record } from '../../support/records.ts'
import type { LabelledFault } from './labelled.ts'

/** What a component is given, by the reason for which it fails then. */
interface Case {
  readonly operator: string
  readonly config: unknown
  readonly given: { readonly [reason: string]: readonly unknown[] }
}

const price = {
  type: 'object',
  required: ['market', 'price'],
  properties: {
    market: { type: 'string' },
    price: { type: 'number', minimum: 0, maximum: 1 },
    currency: { enum: ['EUR', 'USD'] },
    at: { type: 'string', format: 'date-time' },
    lines: { type: 'array', items: { type: 'object', required: ['sku'], properties: { count: { type: 'integer' } } } },
  },
}
const good = { market: 'rain', price: 0.4 }

const cases: readonly Case[] = [
  {
    operator: 'validate',
    config: { schema: price },
    given: {
      'price above one': [
        { ...good, price: 1.7 },
        { ...good, price: 17 },
        { market: 'snow', price: 2_000 },
      ],
      'price below zero': [
        { ...good, price: -1 },
        { ...good, price: -0.25 },
      ],
      'price is text': [
        { ...good, price: '0.4' },
        { ...good, price: 'n/a' },
      ],
      'market missing': [{ price: 0.4 }, { price: 0.1, note: 'x' }],
      'price missing': [{ market: 'rain' }, { market: 'snow' }],
      'unknown currency': [
        { ...good, currency: 'CHF' },
        { ...good, currency: 'eur' },
      ],
      'time unreadable': [
        { ...good, at: 'yesterday' },
        { ...good, at: '2026-13-41' },
      ],
      'line without sku': [
        { ...good, lines: [{}] },
        { ...good, lines: [{ sku: 'a' }, {}] },
        { ...good, lines: Array.from({ length: 12 }, () => ({})) },
      ],
      'count is no integer': [
        { ...good, lines: [{ sku: 'a', count: 1.5 }] },
        { ...good, lines: [{ sku: 'a' }, { sku: 'b', count: 2.25 }] },
      ],
      'no object': ['text', 'other text'],
    },
  },
  {
    operator: 'map',
    config: { total: 'record.price * record.count', label: 'record.names[0] + record.suffix' },
    given: {
      'count is text': ['two', 'three', ''].map((count) => ({ price: 5, count, names: ['a'], suffix: '' })),
      'price is text': ['5', '7.5', 'free'].map((amount) => ({ price: amount, count: 5, names: ['a'], suffix: '' })),
      'price is null': [1, 2].map((count) => ({ price: null, count, names: ['a'], suffix: '' })),
      'count is missing': [5, 6.5].map((amount) => ({ price: amount, names: ['a'], suffix: '' })),
      'no names': [1, 2].map((count) => ({ price: 5, count, names: [], suffix: '' })),
      'suffix is a number': [1, 22].map((suffix) => ({ price: 5, count: 1, names: ['a'], suffix })),
    },
  },
  {
    operator: 'filter',
    config: 'int(record.age) >= 18 && record.country in ["DE", "FR"]',
    given: {
      'age is no integer': ['old', 'x17', 'unknown'].map((age) => ({ age, country: 'DE' })),
      'age is missing': ['DE', 'FR'].map((country) => ({ country })),
      'country is missing': [18, 40].map((age) => ({ age })),
    },
  },
  {
    operator: 'clamp',
    config: { field: 'temperature', min: -40, max: 60 },
    given: {
      'temperature is text': ['warm', '17', 'cold'].map((temperature) => ({ temperature })),
      'temperature is missing': [{}, { humidity: 3 }],
      'temperature is a list': [{ temperature: [1] }, { temperature: [2, 3] }],
    },
  },
  {
    operator: 'parse',
    config: { field: 'body', as: 'json' },
    given: {
      'body is not JSON': ['{"a": 1', 'oops', "{'a': 2}", '{"a": tru}', '[1, 2', '{"a":1} x', '', '{bad: 1}'].map(
        (body) => ({ body }),
      ),
      'body is a number': [{ body: 7 }, { body: 12 }],
      'body is missing': [{}, { text: 'x' }],
    },
  },
  {
    operator: 'parse',
    config: { field: 'amount', as: 'number' },
    given: {
      'amount is no number': ['1,50', 'EUR 7', 'ten'].map((amount) => ({ amount })),
      'amount has too many digits': ['12345678901234567890', '98765432109876543210'].map((amount) => ({ amount })),
      'amount is beyond a number': ['1e400', '9e999'].map((amount) => ({ amount })),
    },
  },
  {
    operator: 'parse',
    config: { field: 'at', as: 'date' },
    given: { 'at is no date': ['31.12.2026', 'soon', 'Tue'].map((at) => ({ at })) },
  },
  {
    operator: 'lookup',
    config: { by: 'record.source', table: [{ source: 'gazette', weight: 1 }], on: 'source', as: 'feed' },
    given: {
      'unknown source': ['radio', 'tv', 'The Daily 7'].map((source) => ({ source })),
      'source is missing': [{}, { title: 'x' }],
      'source is an object': [{ source: { a: 1 } }, { source: { b: [] } }],
    },
  },
  {
    operator: 'unnest',
    config: 'lines',
    given: {
      'lines is text': [{ lines: 'x' }, { lines: 'a,b' }],
      'lines is missing': [{}, { rows: [] }],
    },
  },
  {
    operator: 'split',
    config: 'record.tags',
    given: { 'tags is a number': [{ tags: 7 }, { tags: 8.5 }], 'tags is missing': [{}, { tag: 'a' }] },
  },
  {
    operator: 'set',
    config: { 'customer.name': 'record.name' },
    given: {
      'customer is text': ['Ann', 'Bob'].map((name) => ({ name, customer: 'c1' })),
      'name is missing': [{ customer: {} }, { customer: { id: 2 } }],
    },
  },
  {
    operator: 'rename',
    config: { old_price: 'price' },
    given: { 'old_price is missing': [{}, { price: 3 }] },
  },
]

/** An operator of a user's own, with a mistake for each kind of value. */
const userCode = `
interface Order { kind: string; id: number; customer?: { name: string }; amount?: any; lines?: any[]; text?: string }
class Invoice {
  order: Order
  constructor(order: Order) { this.order = order }
  get total() { return this.order.lines.map((line) => line.price.toFixed(2)).join() }
  customerName() { return this.order.customer.name.toUpperCase() }
}
const check = (order: Order) => { if (order.amount > 100) throw new RangeError('Order ' + order.id + ' of ' + order.customer?.name + ' costs ' + order.amount + ' EUR, at most 100 are allowed') }
const walk = (node: any, depth = 0): number => { if (node.next) return walk(node.next, depth + 1); return node.value.length }
async function ask(order: Order) { await null; throw new Error('Service answered ' + order.amount + ' for order ' + order.id, { cause: new TypeError('status ' + order.amount + ' is no number at ' + order.text) }) }
class PaymentRefused extends Error { override name = 'PaymentRefused' }
export default async (order: Order) => {
  switch (order.kind) {
    case 'total': return new Invoice(order).total
    case 'customer': return new Invoice(order).customerName()
    case 'limit': return check(order)
    case 'json': return JSON.parse(order.text)
    case 'walk': return walk(order.amount)
    case 'ask': return await ask(order)
    case 'refused': throw new PaymentRefused('Card ' + order.text + ' of ' + order.customer.name + ' was refused')
    case 'date': return new Date(order.text).toISOString()
    case 'url': return new URL(order.text).href
    case 'big': return BigInt(order.text)
    case 'explicit': throw Object.assign(new Error(order.text), { fingerprint: 'no-vat-number' })
    case 'string': throw 'cannot score order ' + order.id
    case 'buffer': return Buffer.alloc(order.amount)
  }
}
`

const user = (kind: string, ...orders: readonly object[]): object[] =>
  orders.map((order, n) => ({ kind, id: 1_000 * n + 7, ...order }))

const chain = (length: number): object => (length === 0 ? { value: null } : { next: chain(length - 1) })

function userCase(): Case {
  const file = join(mkdtempSync(join(tmpdir(), 'faults-')), 'score.ts')
  writeFileSync(file, userCode)
  const given = {
    'line without a price': user(
      'total',
      { lines: [{}] },
      { lines: [{ price: 1 }, {}] },
      { lines: [{ price: 1 }, { price: 2 }, {}] },
    ),
    'price is text': user('total', { lines: [{ price: '7' }] }, { lines: [{ price: 1 }, { price: 'free' }] }),
    'no lines': user('total', {}, {}, { amount: 3 }),
    'no customer': user('customer', {}, { amount: 1 }),
    'customer without a name': user('customer', { customer: {} }, { customer: { id: 7 } }),
    'too expensive': user(
      'limit',
      { amount: 101, customer: { name: 'Ann' } },
      { amount: 250.5, customer: { name: 'Bob Miller' } },
      { amount: 1e6, customer: { name: 'Zoë' } },
    ),
    'text is not JSON': user('json', { text: '{' }, { text: 'nope' }, { text: '[1,' }, { text: '{"a" 1}' }),
    'end of the chain has no value': user('walk', { amount: chain(3) }, { amount: chain(5) }, { amount: chain(30) }),
    'service answered': user(
      'ask',
      { amount: 7, text: 'https://a.example.org/x?id=1' },
      { amount: 70, text: 'http://b.example.org:8080/y' },
    ),
    'card refused': user(
      'refused',
      { text: '4111-1111-1111-1111', customer: { name: 'Ann' } },
      { text: '5500-0000-0000-0004', customer: { name: 'Bob' } },
    ),
    'no date': user('date', { text: 'x' }, { text: '2026-99-01' }),
    'no URL': user('url', { text: 'x' }, { text: '//' }, { text: 'example.org' }),
    'no integer': user('big', { text: 'x' }, { text: '1.5' }, { text: '12 EUR' }),
    'no VAT number': user('explicit', { text: 'Ann has no VAT number' }, { text: 'VAT of ACME is missing' }),
    'a string is thrown': user('string', {}, { amount: 1 }),
    'buffer of a bad size': user('buffer', { amount: -1 }, { amount: -20 }),
  }
  return { operator: 'use', config: { file, concurrency: 1 }, given }
}

/** What the components of Oxbow fail with over these inputs, read back from the letters. */
export async function componentFaults(): Promise<LabelledFault[]> {
  const faults: LabelledFault[] = []
  for (const [n, { operator, config, given }] of [...cases, userCase()].entries()) {
    const id = `s${n}.${operator}`
    const component = catalog.operators.find(({ name }) => name === operator)!
    for (const [reason, values] of Object.entries(given)) {
      for (const value of values)
        faults.push({ reason: `${id}: ${reason}`, ...(await failed(component, config, id, record(value))) })
    }
  }
  return faults
}

type Component = (typeof catalog.operators)[number]

async function failed(
  component: Component,
  config: unknown,
  id: string,
  given: Record,
): Promise<Omit<LabelledFault, 'reason'>> {
  const outcome = await firstValueFrom(from([given]).pipe(component.over(config as never, context({ name: id }))))
  if (outcome.type !== 'fail') throw new Error(`${id} lets ${JSON.stringify(given.value)} pass`)
  const raw = { key: null, value: Buffer.from(JSON.stringify(given.value)), headers: [], timestamp: 0 }
  const letter = deadLetter(
    { raw, input: given, operator: id, fault: outcome.fault, attempts: 1, hops: 0, firstFailedAt: 0, failedAt: 0 },
    { pipeline: 'p', revision: 'r', topic: 'dlq.in', envelope: 'headers', redact: redactor([], []) },
  )
  const { operator: by, fault, fingerprint } = readLetter({ ...letter, partition: 0, offset: 0n })!
  return { operator: by, ...fault, fingerprint }
}
