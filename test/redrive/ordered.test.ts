import { expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { expression } from '../../src/component/expression.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { withValue } from '../../src/record/record.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Letter } from '../../src/deadletter/readLetter.ts'
import { chosenLetters } from '../../src/redrive/choose.ts'
import { discardLetters } from '../../src/redrive/discard.ts'
import { reopenLetters } from '../../src/redrive/reopen.ts'
import { commandRecord, keyText, laneOf, type LaneCommand } from '../../src/topology/lane.ts'
import { append, catalogWith, operator, output, recordsOf, startPipeline, valuesOf } from '../support/pipeline.ts'
import { entriesOf, lettersOf, sendBack, standingsOf } from '../support/redrive.ts'

const stamp = operator(
  'stamp',
  () => (record) => emit(record, withValue(record, { ...(record.value as object), secret: 'x' })),
)
const gate = operator(
  'gate',
  () => (record) =>
    (record.value as { bad?: true }).bad
      ? fail(record, new RecordedFault('record.useless', 'Of no use.'))
      : emit(record),
)
const catalog = catalogWith({ operators: [stamp, gate] })

const config = (policy: string) => `
name: p
sources: { in: { topic: { format: json } } }
deadLetters: { ${policy} }
streams:
  one: { from: in, steps: [{ stamp: {} }, { gate: {} }], to: { topic: { name: out } } }
`
const ordered = config('order: key, redact: [secret]')
const record = (key: string, value: object) => output('in', value, { key: Buffer.from(key) })
const before = [record('a', { n: 1, bad: true }), record('a', { n: 2 })]

const command = (broker: Broker, said: LaneCommand) => append(broker, [commandRecord(laneOf('p', 'in'), 0, said, 0)])
const mended = { expression: expression().parse('{"n": record.n}') }

it('a fix changes what the task holds, and what is parked behind it follows', async () => {
  const { pipeline, broker, plan } = await startPipeline(config('order: key'), catalog, { before, once: false })
  await pipeline.quiet()
  await sendBack(broker, plan, await lettersOf(broker), { fix: mended })
  await pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 1 }, { n: 2, secret: 'x' }])
  expect(await entriesOf(broker)).toMatchObject([{ to: 'redriving' }, { to: 'resolved', redrive: 'r1', hops: 0 }])
  expect(await pipeline.conservation()).toMatchObject([{ read: 2, emitted: 2, dead: 0, inFlight: 0 }])
})

it('a letter that its task holds goes on though it does not hold its input, and comes back when it fails again', async () => {
  const { pipeline, broker, plan } = await startPipeline(ordered, catalog, { before, once: false })
  await pipeline.quiet()
  const [first] = await lettersOf(broker)
  expect(first!.inputMissing).toBe('it is redacted')
  expect(await sendBack(broker, plan, [first!, first!])).toEqual({ sent: 2, refused: 0 })
  await pipeline.quiet()
  expect((await lettersOf(broker)).map(({ id, hops }) => [id, hops])).toEqual([
    [first!.id, 0],
    [first!.id, 1],
  ])
  expect(await standingsOf(broker)).toEqual(new Map([[first!.id, 'open']]))
  expect(pipeline.blocked).toBe(1)
})

it('goes from its source with another value, in its turn', async () => {
  const { pipeline, broker, plan } = await startPipeline(ordered, catalog, { before, once: false })
  await pipeline.quiet()
  await sendBack(broker, plan, await lettersOf(broker), { to: 'source', fix: { value: { n: 7 } } })
  await pipeline.quiet()
  expect(await valuesOf(broker, 'out')).toEqual([
    { n: 7, secret: 'x' },
    { n: 2, secret: 'x' },
  ])
})

it('commands are entries, by whoever gave them, also for letters that hold nothing up', async () => {
  const { pipeline, broker } = await startPipeline(ordered, catalog, {
    before: [...before, record('b', { n: 3, bad: true })],
    once: false,
  })
  await pipeline.quiet()
  const [first, second] = await lettersOf(broker)
  const { id: letter, topic, hops, failedAt } = first!
  const said = { by: 'ann', why: 'no use' }
  for (let time = 0; time < 2; time++)
    await command(broker, { command: 'discard', letter, failure: { topic, hops, failedAt }, ...said })
  await command(broker, { command: 'release', key: keyText(Buffer.from('b')), ...said })
  await pipeline.quiet()
  const discarded = { ...said, to: 'discarded', hops: 0 }
  expect(await entriesOf(broker)).toMatchObject([
    { ...discarded, letter, failedAt },
    { ...discarded, letter, failedAt },
    { ...discarded, letter: second!.id, failedAt: second!.failedAt },
  ])
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 2, secret: 'x' }])
})

it('a letter of a partition that the source has not is given up, and keeps no other from being so', async () => {
  const { pipeline, broker, plan } = await startPipeline(ordered, catalog, { before, once: false })
  await pipeline.quiet()
  const [first] = await lettersOf(broker)
  const far = { ...first!, id: 'f'.repeat(32), origin: { ...first!.origin, partition: 7 } }
  const letters = (async function* () {
    yield* [far, first!]
  })()
  expect(await discardLetters(letters, { plan, broker, now: Date.now, by: 'ann', why: '' })).toBe(2)
  await pipeline.quiet()
  expect((await entriesOf(broker)).map(({ letter, to }) => [letter, to])).toEqual([
    [far.id, 'discarded'],
    [first!.id, 'discarded'],
  ])
})

it('one that its task gave up goes back by itself once it was opened again', async () => {
  const { pipeline, broker, plan } = await startPipeline(config('order: key'), catalog, { before, once: false })
  await pipeline.quiet()
  const [first] = await lettersOf(broker)
  const { id: letter, topic, hops, failedAt } = first!
  await command(broker, { command: 'discard', letter, failure: { topic, hops, failedAt }, by: 'ann', why: '' })
  await pipeline.quiet()
  await sendBack(broker, plan, [first!], { fix: mended })
  await pipeline.quiet()
  expect(await standingsOf(broker)).toEqual(new Map([[letter, 'discarded']]))

  const ledger = new Ledger(broker)
  const said = { choice: { ids: [letter] }, dispositions: ['discarded'] as const, now: Date.now, by: 'ann', why: '' }
  await reopenLetters({ plan, broker, ledger, ...said })
  for await (const open of chosenLetters({ plan, broker, ledger }, {}))
    await sendBack(broker, plan, [open], { fix: mended })
  await pipeline.quiet()
  await ledger.close()
  expect(await standingsOf(broker)).toEqual(new Map([[letter, 'resolved']]))
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 2, secret: 'x' }, { n: 1 }])
  expect(await pipeline.conservation()).toMatchObject([{ read: 2, emitted: 2, dead: 0, inFlight: 0 }])
})

it.each(['held', 'given up'])(
  'one that was opened again when its task had %s it, and is discarded then, stays so when it is sent late',
  async (how) => {
    const { pipeline, broker, plan } = await startPipeline(config('order: key'), catalog, { before, once: false })
    await pipeline.quiet()
    const ledger = new Ledger(broker)
    const said = { plan, broker, now: Date.now, by: 'ann', why: '' }
    if (how === 'held') await sendBack(broker, plan, await lettersOf(broker), { to: { topic: 'apart' } })
    else await discardLetters(chosenLetters({ plan, broker, ledger }, {}), said)
    await pipeline.quiet()
    await reopenLetters({ ...said, ledger, choice: {}, dispositions: ['resolved', 'discarded'] })
    const open: Letter[] = []
    for await (const letter of chosenLetters({ plan, broker, ledger }, {})) open.push(letter)
    await discardLetters(chosenLetters({ plan, broker, ledger }, {}), said)
    await pipeline.quiet()
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 0, resolved: 0, discarded: 1 }])

    expect(await sendBack(broker, plan, open, { fix: mended })).toEqual({ sent: 1, refused: 0 })
    await pipeline.quiet()
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 0, redriving: 0, discarded: 1 }])
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 2, secret: 'x' }])
    await ledger.close()
  },
)

it('a letter from before the order goes back by itself, and holds nothing up', async () => {
  const first = await startPipeline(config('order: none'), catalog, { before: [before[0]!] })
  await first.pipeline.quiet()
  await first.pipeline.stop()
  const { broker } = first
  const { pipeline, plan } = await startPipeline(config('order: key'), catalog, { broker, once: false })
  await sendBack(broker, plan, await lettersOf(broker))
  await append(broker, [before[1]!])
  await pipeline.quiet()
  expect((await lettersOf(broker)).map(({ hops }) => hops)).toEqual([0, 1])
  expect(await valuesOf(broker, 'out')).toEqual([{ n: 2, secret: 'x' }])
  await sendBack(broker, plan, (await lettersOf(broker)).slice(1), { fix: mended })
  await pipeline.quiet()
  expect(await pipeline.conservation()).toMatchObject([{ read: 2, emitted: 2, dead: 0, inFlight: 0 }])
})

it('goes back out of the json envelope, byte for byte', async () => {
  const value = Buffer.from('{ "n": 1, "bad":true }')
  const headers = [
    ['a', Buffer.from([0xff, 0])],
    ['a', null],
  ] as const
  const { pipeline, broker, plan } = await startPipeline(config('envelope: json'), catalog, {
    before: [output('in', value, { key: Buffer.from([0xfe]), headers })],
    once: false,
  })
  await pipeline.quiet()
  const letters = await lettersOf(broker)
  expect(letters).toMatchObject([{ streams: new Map([['one', true]]) }])
  await sendBack(broker, plan, letters, { to: { topic: 'later' } })
  await sendBack(broker, plan, letters, { fix: mended })
  await pipeline.quiet()
  expect(await recordsOf(broker, 'later')).toMatchObject([{ key: Buffer.from([0xfe]), value }])
  expect((await recordsOf(broker, 'later'))[0]!.headers.slice(0, 2)).toEqual(headers)
  expect(await recordsOf(broker, 'out')).toMatchObject([
    { key: Buffer.from([0xfe]), headers: headers.map((each) => [...each]), value: Buffer.from('{"n":1}') },
  ])
})
