import { expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { chosenLetters } from '../../src/redrive/choose.ts'
import { RehearsalReport } from '../../src/redrive/rehearsalReport.ts'
import { rehearse, type Rehearsed, type RehearseOptions } from '../../src/redrive/rehearse.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { append, output, startPipeline } from '../support/pipeline.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

const config = (steps: string, more = '') => `
name: shop
sources: { in: { topic: { format: json } } }
deadLetters: { retry: { attempts: 3, backoff: [1h] } ${more} }
streams:
  paid: { from: in, steps: [${steps}], to: [{ topic: { name: out } }, { log: {} }] }
`
const totals = '{ map: { id: record.id, total: record.price * record.count } }'

/** Letters of one config, and what would become of them with another. */
async function rehearsed(
  before: string,
  after: string,
  values: readonly object[],
  more: Partial<RehearseOptions> = {},
) {
  const records = values.map((value, n) => output('in', value, { key: Buffer.from(`k${n % 2}`) }))
  const { broker, pipeline, plan } = await startPipeline(before, catalog, { before: records, once: false })
  await pipeline.quiet()
  await pipeline.stop()
  const state = async () =>
    JSON.stringify(
      [await broker.topics(), await broker.committed('shop'), await broker.counts('shop')],
      (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    )
  const untouched = await state()
  const ledger = new Ledger(broker)
  const found: Rehearsed[] = []
  const options = {
    plan: resolvePlan(parseConfig(after, 'shop.yaml', catalog, {}), catalog),
    broker,
    to: 'source' as const,
    state: true,
    now: Date.now(),
    log: silent,
    signal: new AbortController().signal,
    ...more,
  }
  for await (const each of rehearse(chosenLetters({ broker, ledger, plan }, {}), options)) found.push(each)
  await ledger.close()
  expect(await state(), 'nothing of the real broker has changed').toBe(untouched)
  return found
}

const outcomes = (found: readonly Rehearsed[]) => found.map(({ outcome }) => outcome.is)

it('tells what passes and with which outputs, what fails as before, and what fails in a new way', async () => {
  const found = await rehearsed(
    config(totals),
    config(
      '{ filter: record.id != 3 }, { map: { id: record.id, total: double(record.price) * record.count, tax: record.tax } }',
    ),
    [
      { id: 1, price: '5', count: 2.0, tax: 1 },
      { id: 2, price: 5, count: 2, tax: 1 },
      { id: 3, price: 'free', count: 2 },
      { id: 4, price: 'free', count: 2.0, tax: 1 },
      { id: 5, price: '7', count: 2.0 },
    ],
  )
  expect(outcomes(found)).toEqual(['passes', 'passes', 'new fault', 'new fault'])
  expect(found[0]!.outputs).toEqual([
    { sink: 'paid.to.topic', value: { id: 1, total: 10, tax: 1 } },
    { sink: 'paid.to.log', value: { id: 1, total: 10, tax: 1 } },
  ])
  expect(found[1]!.outputs).toEqual([])
  expect(found[3]!.outcome).toMatchObject({ failed: { fault: { message: expect.stringContaining('record.tax') } } })

  const same = await rehearsed(config(totals), config(totals), [{ id: 1, price: 'free', count: 2 }])
  expect(outcomes(same)).toEqual(['same fault'])
})

it('starts with what operators keep, or with nothing', async () => {
  const counting = '{ aggregate: { into: { orders: count, sum: { sum: record.price } } } }'
  const failing = config(`${counting}, { filter: "record.sum < 9.0 || record.none == 1" }`)
  const values = [4, 4, 4, 4, 4].map((price) => ({ price }))
  const withState = await rehearsed(failing, config(counting), values)
  expect(withState.map(({ outputs }) => outputs[0]?.value)).toEqual([{ orders: 4, sum: 16 }])
  const without = await rehearsed(failing, config(counting), values, { state: false })
  expect(without.map(({ outputs }) => outputs[0]?.value)).toEqual([{ orders: 1, sum: 4 }])
})

it('does not wait for tries, nor for keys, and names what cannot be sent back', async () => {
  const asking = config(
    `{ enrich: { url: 'http://127.0.0.1:1/{record.id}', as: answer, allowPrivate: true } }`,
    ', order: key',
  )
  const before = config(totals, ', order: key')
  const values = [1, 2, 3].map((id) => ({ id, price: 'free', count: 1 }))
  const found = await rehearsed(before, asking, values.slice(0, 2))
  expect(outcomes(found)).toEqual(['new fault', 'new fault'])
  expect(found[0]!.outcome).toMatchObject({ failed: { attempts: 1, fault: { code: 'http.unavailable' } } })

  const renamed = before.replace('{ in: {', '{ other: {').replace('from: in', 'from: other')
  expect((await rehearsed(before, renamed, values.slice(0, 1)))[0]!.outcome).toMatchObject({ is: 'refused' })
})

it('is added up by groups, with an example of each outcome', async () => {
  const found = await rehearsed(config(totals), config('{ map: { total: double(record.price) } }'), [
    { id: 1, price: '5', count: 2 },
    { id: 2, price: 'free', count: 2 },
    { id: 3, price: 'free', count: 2 },
    { id: 4, count: 2 },
  ])
  const report = new RehearsalReport()
  for (const each of found) report.add(each)
  expect(report.groups).toMatchObject([
    {
      operator: 'paid.map',
      letters: 3,
      counts: { passes: 1, 'new fault': 2 },
      examples: [{ outcome: { is: 'passes' } }, {}],
    },
    { letters: 1, counts: { 'new fault': 1 }, examples: [{ letter: found[3]!.letter.id }] },
  ])
  expect(report.count('new fault')).toBe(3)
})
