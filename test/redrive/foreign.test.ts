import { expect, it } from 'vitest'
import { set } from '../../src/operators/set.ts'
import type { Header } from '../../src/record/record.ts'
import { deadLetterQueue } from '../../src/sources/deadLetterQueue.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { filter } from '../../src/operators/filter.ts'
import { chosenLetters, type Choice } from '../../src/redrive/choose.ts'
import { discardLetters } from '../../src/redrive/discard.ts'
import { ensureLedgers } from '../../src/redrive/ensureLedgers.ts'
import { forecast } from '../../src/redrive/forecast.ts'
import { rehearse, type Rehearsed } from '../../src/redrive/rehearse.ts'
import type { Plan } from '../../src/topology/plan.ts'
import { append, catalogWith, output, recordsOf, startPipeline, valuesOf } from '../support/pipeline.ts'
import { entriesOf, lettersOf, sendBack, standingsOf } from '../support/redrive.ts'

const catalog = catalogWith({ sources: [deadLetterQueue], operators: [filter, set] })
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** What a choice finds, each letter by its topic. */
async function topicsChosen(broker: Broker, plan: Plan, choice: Choice): Promise<string[]> {
  const found: string[] = []
  for await (const { topic } of chosenLetters({ broker, plan, ledger: new Ledger(broker) }, choice)) found.push(topic)
  return found
}

const facts: readonly Header[] = [
  ['__connect.errors.topic', Buffer.from('orders')],
  ['__connect.errors.partition', Buffer.from('0')],
  ['__connect.errors.offset', Buffer.from('17')],
  ['__connect.errors.connector.name', Buffer.from('one')],
  ['__connect.errors.stage', Buffer.from('TASK_PUT')],
  ['__connect.errors.exception.class.name', Buffer.from('java.sql.SQLException')],
]
const letter = (value: unknown) => output('connect.dlq', value, { headers: [['trace', Buffer.from('abc')], ...facts] })

async function counted({ pipeline }: Awaited<ReturnType<typeof startPipeline>>) {
  await pipeline.quiet()
  const [row] = await pipeline.conservation()
  return row
}

it('letters of others go back to the pipeline that reads their source, and are resolved', async () => {
  const yaml = `
name: p
sources: { orders: { topic: {} } }
streams: { one: { from: orders, steps: [set: { total: record.price }], to: { topic: out } } }`
  const running = await startPipeline(yaml, catalog, { before: [output('orders', { price: 1 })], once: false })
  const { broker, plan } = running
  await running.pipeline.quiet()
  await append(broker, [letter({ price: 2 }), letter({})])

  const { sent } = (await sendBack(broker, plan, await lettersOf(broker, 'connect.dlq'))) as { sent: number }
  expect(sent).toBe(2)
  expect(await counted(running)).toMatchObject({ read: 3, emitted: 2, dead: 1, inFlight: 0 })
  expect(await valuesOf(broker, 'out')).toEqual([
    { price: 1, total: 1 },
    { price: 2, total: 2 },
  ])
  const [, out] = await recordsOf(broker, 'out')
  expect(out!.headers).toEqual([['trace', Buffer.from('abc')]])
  expect([...(await standingsOf(broker, 'connect.dlq')).values()]).toContain('resolved')
  expect(await lettersOf(broker, 'dlq.orders')).toMatchObject([{ hops: 1, source: 'orders' }])
})

it('letters of a queue go through its streams once more, with their facts', async () => {
  const yaml = `
name: p
sources: { connect.dlq: { deadLetterQueue: { convention: connect } } }
streams: { one: { from: connect.dlq, steps: [set: { code: "headers['dlq.fault.code']" }], to: { topic: out } } }`
  const running = await startPipeline(yaml, catalog, { before: [letter({ id: 1 })], once: false })
  const { broker, plan } = running
  await running.pipeline.quiet()
  await sendBack(broker, plan, await lettersOf(broker, 'connect.dlq'))
  expect(await counted(running)).toMatchObject({ read: 2, emitted: 2, dead: 0, inFlight: 0 })
  expect(await valuesOf(broker, 'out')).toEqual([
    { id: 1, code: 'java.sql.SQLException' },
    { id: 1, code: 'java.sql.SQLException' },
  ])
  expect([...(await standingsOf(broker, 'connect.dlq')).values()]).toEqual(['resolved'])
})

const mend = `
name: mend
sources: { connect.dlq: { deadLetterQueue: { convention: connect } } }
streams: { one: { from: connect.dlq, steps: [filter: record.price > 0], to: { topic: out } } }`

it('letters of a queue are chosen where they, their group or their topic are named, for its streams have had them already', async () => {
  const running = await startPipeline(mend, catalog, { before: [letter({ price: 1 }), letter({})], once: false })
  const { broker, plan } = running
  await running.pipeline.quiet()
  const [first, second] = await lettersOf(broker, 'connect.dlq')
  expect(first!.fingerprint).toBe(second!.fingerprint)
  const both = ['connect.dlq', 'connect.dlq']
  expect(await topicsChosen(broker, plan, {})).toEqual(['dlq.connect.dlq'])
  expect(await topicsChosen(broker, plan, { source: 'connect.dlq' })).toEqual(['dlq.connect.dlq'])
  expect(await topicsChosen(broker, plan, { topic: 'connect.dlq' })).toEqual(both)
  expect(await topicsChosen(broker, plan, { group: first!.fingerprint })).toEqual(both)
  expect(await topicsChosen(broker, plan, { ids: [second!.id] })).toEqual(['connect.dlq'])
})

it('letters of a topic that the config does not know go to the pipeline that reads their source', async () => {
  const yaml = `
name: shop
sources: { orders: { topic: {} } }
streams: { one: { from: orders, to: { topic: out } } }`
  const { broker, plan } = await startPipeline(yaml, catalog, { before: [letter({ price: 1 })] })
  expect(await topicsChosen(broker, plan, {})).toEqual([])
  expect(await topicsChosen(broker, plan, { topic: 'connect.dlq' })).toEqual(['connect.dlq'])
  expect(await topicsChosen(broker, plan, { topic: 'connect.dlq', source: 'other' })).toEqual([])
  await expect(topicsChosen(broker, plan, { topic: 'none' })).rejects.toThrow(
    'there is no topic none; nothing was done',
  )
})

it('letters that nothing in the pipeline takes are refused, or go to a topic', async () => {
  const yaml = `
name: shop
sources: { others: { topic: {} } }
streams: { one: { from: others, to: { topic: out } } }`
  const { broker, plan } = await startPipeline(yaml, catalog, { before: [letter({ price: 1 })] })
  const chosen = () => chosenLetters({ broker, plan, ledger: new Ledger(broker) }, { topic: 'connect.dlq' })
  const why: string[] = []
  await sendBack(broker, plan, chosen(), { onRefused: (_, reason) => why.push(reason) })
  expect(why).toEqual(['the config has no source orders (any more)'])
  expect(await sendBack(broker, plan, chosen(), { to: { topic: 'orders' } })).toEqual({ sent: 1, refused: 0 })
  expect(await valuesOf(broker, 'orders')).toEqual([{ price: 1 }])
})

it.each([
  ['to a topic', 'others', { topic: 'orders' }],
  ['to the pipeline that reads their source', 'orders', 'source' as const],
])(
  'letters that fail again and again are sent back as often as they may be, and no more: %s',
  async (_, source, to) => {
    const yaml = `
name: shop
sources: { ${source}: { topic: {} } }
deadLetters: { maxHops: 2 }
streams: { one: { from: ${source}, to: { topic: out } } }`
    const { broker, plan } = await startPipeline(yaml, catalog, { before: [letter({ price: 1 })] })
    const why: string[] = []
    const onRefused = (_letter: unknown, reason: string) => why.push(reason)
    for (const hops of ['1', '2']) {
      const [last] = (await lettersOf(broker, 'connect.dlq')).slice(-1)
      expect(await sendBack(broker, plan, [last!], { to: { topic: 'orders' } })).toEqual({ sent: 1, refused: 0 })
      const sent = (await recordsOf(broker, 'orders')).at(-1)!
      expect(sent.headers).toEqual([
        ['trace', Buffer.from('abc')],
        ['dlq.hops', Buffer.from(hops)],
      ])
      // The connector gives it up once more.
      await append(broker, [output('connect.dlq', { price: 1 }, { headers: [...sent.headers, ...facts] })])
    }
    const last = (await lettersOf(broker, 'connect.dlq')).slice(-1)
    expect(await sendBack(broker, plan, last, { to, onRefused })).toEqual({ sent: 0, refused: 1 })
    const tooOften = expect.stringContaining(
      'it was sent back 2 times, the most that `deadLetters.maxHops` allows',
    ) as string
    expect(why).toEqual([tooOften])
    const chosen = chosenLetters(
      { broker, plan, ledger: new Ledger(broker) },
      { ids: [last[0]!.id], topic: 'connect.dlq' },
    )
    expect(await forecast(chosen, { plan, to, now: Date.now, onRefused })).toEqual({ sent: 0, refused: 1 })
    expect(why).toEqual([tooOften, tooOften])
  },
)

it('a letter of a partition that the source has not stays dead, and keeps no other from going', async () => {
  const yaml = `
name: p
sources: { orders: { topic: {} } }
streams: { one: { from: orders, to: { topic: out } } }`
  const far = letter({ n: 1 })
  const before = [
    {
      ...far,
      headers: far.headers.map(([name, value]): Header => [
        name,
        name.endsWith('.partition') ? Buffer.from('7') : value,
      ]),
    },
    letter({ n: 2 }),
  ]
  const running = await startPipeline(yaml, catalog, { before, once: false })
  const { broker, plan } = running
  const why: string[] = []
  const letters = await lettersOf(broker, 'connect.dlq')
  expect(await sendBack(broker, plan, letters, { onRefused: (_, reason) => why.push(reason) })).toEqual({ sent: 1, refused: 1 }) // prettier-ignore
  expect(why).toEqual(['it says that it came from partition 7, and the source has 1, counted from 0'])
  await running.pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 2 }])
})

it('letters of a queue are rehearsed: what would be written, and how they fail', async () => {
  const { broker, plan } = await startPipeline(mend, catalog, { before: [letter({ price: 1 }), letter({})] })
  const letters = chosenLetters({ broker, plan, ledger: new Ledger(broker) }, { topic: 'connect.dlq' })
  const [options, found] = [{ plan, broker, to: 'source', state: true, now: Date.now(), log: silent }, [] as Rehearsed[]] as const // prettier-ignore
  for await (const each of rehearse(letters, { ...options, signal: new AbortController().signal })) found.push(each)
  expect(found.map(({ outcome, outputs }) => [outcome.is, outputs.map(({ value }) => value)])).toEqual([
    ['passes', [{ price: 1 }]],
    ['new fault', []],
  ])
  expect(await entriesOf(broker, 'connect.dlq')).toEqual([])
})

it('letters go through all streams of their queue, whatever is said of where they failed', async () => {
  const yaml = `
name: p
sources: { others.dlq: { deadLetterQueue: {} } }
streams:
  one: { from: others.dlq, steps: [filter: record.n > 0], to: { topic: out } }
  two: { from: others.dlq, to: { topic: also } }`
  const unsaid: Header[] = [['__streams.errors.topic', Buffer.from('orders')]]
  const before = [
    output('others.dlq', { n: 1 }, { headers: unsaid }),
    output('others.dlq', { original_record: { n: 2 }, error: 'x', operator: 'one.filter', original_topic: 'orders' }),
  ]
  const running = await startPipeline(yaml, catalog, { before, once: false })
  const { broker, plan } = running
  await running.pipeline.quiet()
  await sendBack(broker, plan, await lettersOf(broker, 'others.dlq'))
  expect(await counted(running)).toMatchObject({ read: 4, emitted: 4, inFlight: 0 })
  expect(await valuesOf(broker, 'also')).toEqual([{ n: 1 }, { n: 2 }, { n: 1 }, { n: 2 }])
  expect([...(await standingsOf(broker, 'others.dlq')).values()]).toEqual(['resolved', 'resolved'])
})

it('letters of a queue can be given up', async () => {
  const { broker, plan } = await startPipeline(mend, catalog, { before: [letter({ price: 1 })] })
  const chosen = chosenLetters({ broker, plan, ledger: new Ledger(broker) }, { topic: 'connect.dlq' })
  expect(await discardLetters(chosen, { plan, broker, now: () => 5_000, by: 'ann', why: 'a test' })).toBe(1)
  expect([...(await standingsOf(broker, 'connect.dlq')).values()]).toEqual(['discarded'])
})

it('the ledger of a topic that others write to outlives its letters: without their entries they would be open again', async () => {
  const { broker, plan } = await startPipeline(mend, catalog)
  await broker.ensureTopics([{ name: 'spring.dlt', retention: 30 * 86_400_000 }])
  await ensureLedgers(broker, plan, ['spring.dlt', 'connect.dlq', 'dlq.connect.dlq'])
  const ledgers = await broker.topics(['spring.dlt-ledger', 'connect.dlq-ledger', 'dlq.connect.dlq-ledger'])
  expect(ledgers.map(({ name, retention }) => [name, retention])).toEqual([
    ['connect.dlq-ledger', undefined],
    ['dlq.connect.dlq-ledger', 14 * 86_400_000],
    ['spring.dlt-ledger', 60 * 86_400_000],
  ])
})

it("a letter that the pipeline wrote is its source's, though it has its own dead-letter topic as a queue, too", async () => {
  const yaml = `
name: p
sources:
  orders: { topic: {} }
  dlq.orders: { deadLetterQueue: {} }
streams:
  one: { from: orders, steps: [filter: record.price > 0], to: { topic: out } }
  all: { from: dlq.orders, to: { topic: seen } }`
  const running = await startPipeline(yaml, catalog, { before: [output('orders', {})], once: false })
  const { broker, plan, pipeline } = running
  await pipeline.quiet()
  await sendBack(broker, plan, await lettersOf(broker, 'dlq.orders'))
  await pipeline.quiet()
  expect((await lettersOf(broker, 'dlq.orders')).map(({ hops, source }) => [hops, source])).toEqual([
    [0, 'orders'],
    [1, 'orders'],
  ])
})
