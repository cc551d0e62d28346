import { setImmediate } from 'node:timers/promises'
import { asyncScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { expression } from '../../src/component/expression.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { nth, withValue, type Record, type StoredRecord } from '../../src/record/record.ts'
import { dedupe } from '../../src/operators/dedupe.ts'
import { keyBy } from '../../src/operators/keyBy.ts'
import { Canary } from '../../src/redrive/canary.ts'
import { chosenLetters } from '../../src/redrive/choose.ts'
import { discardLetters } from '../../src/redrive/discard.ts'
import { reopenLetters } from '../../src/redrive/reopen.ts'
import { entryRecord } from '../../src/deadletter/ledger/entry.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Letter } from '../../src/deadletter/readLetter.ts'
import { VirtualClock } from '../../src/testing/clock.ts'
import type { Plan, Subtopology } from '../../src/topology/plan.ts'
import { append, catalogWith, operator, output, recordsOf, startPipeline, valuesOf } from '../support/pipeline.ts'
import { entriesOf, lettersOf, sendBack, standingsOf } from '../support/redrive.ts'

interface Value {
  readonly n: number
  readonly bad?: true
}

/** Fails what is bad, until it is healed. */
function world() {
  const state = { healed: false, fails: false }
  const isBad = ({ value }: Record) => (value as Value).bad === true && !state.healed
  const useless = new RecordedFault('record.useless', 'It is of no use.')
  const gate = operator('gate', () => (record) => (isBad(record) ? fail(record, useless) : emit(record)))
  const stamp = operator('stamp', () => (record) => {
    const stamped = withValue(record, { ...(record.value as Value), stamped: true })
    return emit(record, { ...stamped, key: Buffer.from('stamped'), timestamp: 77 })
  })
  const split = operator('split', () => (record) => {
    const parts = (record.value as { parts: Value[] }).parts
    return emit(record, ...parts.map((part, n) => nth(record, n, part)))
  })
  const late = operator(
    'late',
    () => (record) => (state.fails && (record.value as Value).n === 7 ? fail(record, useless) : emit(record)),
  )
  return { state, catalog: catalogWith({ operators: [gate, stamp, split, late, dedupe] }) }
}

const config = (steps: string, more = '') => `
name: p
sources: { in: { topic: { format: json } } }
streams:
  one: { from: in, steps: [${steps}], to: { topic: { name: out } } }
${more}`

const fixBy = (text: string) => ({ expression: expression().parse(text) })

const withHops = (maxHops: number) => (subtopology: Subtopology) => ({
  ...subtopology,
  sources: subtopology.sources.map((source) => ({ ...source, deadLetters: { ...source.deadLetters, maxHops } })),
})

const bad = (n: number, more = {}) => output('in', { n, bad: true }, { key: Buffer.from('k'), ...more })

async function started(yaml: string, before: Parameters<typeof append>[1], broker?: Broker) {
  const { state, catalog } = world()
  const running = await startPipeline(yaml, catalog, { before, once: false, ...(broker && { broker }) })
  await running.pipeline.quiet()
  const { pipeline, plan } = running
  const send = async (more: Parameters<typeof sendBack>[3] = {}, from?: Awaited<ReturnType<typeof lettersOf>>) => {
    const letters = from ?? (await lettersOf(running.broker))
    const sent = await sendBack(running.broker, plan, letters, more)
    await pipeline.quiet()
    return sent
  }
  return { ...running, state, send }
}

describe('a dead letter that is sent back', () => {
  it('goes on at the operator that failed, as it reached it', async () => {
    const headers = [
      ['a', Buffer.from('1')],
      ['a', null],
    ] as const
    const { broker, state, send, pipeline } = await started(config('{ stamp: {} }, { gate: {} }'), [
      bad(1, { headers }),
    ])
    expect(await lettersOf(broker)).toMatchObject([{ inputKey: 'stamped', inputTimestamp: 77, hops: 0 }])
    state.healed = true
    expect(await send()).toEqual({ sent: 1, refused: 0 })
    expect(await recordsOf(broker, 'out')).toMatchObject([
      { key: Buffer.from('stamped'), timestamp: 77, headers: headers.map((each) => [...each]) },
    ])
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 1, bad: true, stamped: true }])
    expect(await entriesOf(broker)).toMatchObject([
      { to: 'redriving', by: 'ann', redrive: 'r1', hops: 0 },
      { to: 'resolved', by: expect.stringMatching(/^p, revision /) as string, redrive: 'r1', hops: 0 },
    ])
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])
  })

  it('comes back under the same id with one more hop, also from another operator', async () => {
    const { broker, state, send, pipeline } = await started(config('{ gate: {} }, { late: {} }'), [bad(7)])
    const [first] = await lettersOf(broker)
    await send()
    Object.assign(state, { healed: true, fails: true })
    await send({ redrive: 'r2' }, [(await lettersOf(broker))[1]!])
    expect(await lettersOf(broker)).toMatchObject([
      { id: first!.id, operator: 'one.gate', hops: 0 },
      { id: first!.id, operator: 'one.gate', hops: 1, firstFailedAt: first!.firstFailedAt },
      { id: first!.id, operator: 'one.late', hops: 2, firstFailedAt: first!.firstFailedAt },
    ])
    expect(await standingsOf(broker)).toEqual(new Map([[first!.id, 'open']]))
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 0, dead: 1, inFlight: 0 }])
    state.fails = false
    await send({}, [(await lettersOf(broker))[2]!])
    expect(await standingsOf(broker)).toEqual(new Map([[first!.id, 'resolved']]))
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])
  })

  it('is processed once, however often it was sent', async () => {
    const { broker, state, send, log } = await started(config('{ gate: {} }'), [bad(1)])
    const letters = await lettersOf(broker)
    await send({}, [...letters, ...letters])
    expect((await lettersOf(broker)).map(({ hops }) => hops)).toEqual([0, 1])
    state.healed = true
    await send({}, letters)
    expect(await valuesOf(broker, 'out')).toEqual([])
    await send({}, (await lettersOf(broker)).slice(1))
    await send({}, (await lettersOf(broker)).slice(1))
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 1, bad: true }])
    expect(await standingsOf(broker)).toEqual(new Map([[letters[0]!.id, 'resolved']]))
    expect(log.lines.filter(({ message }) => message.includes('taken up before'))).toHaveLength(3)
  })

  it('passes all steps again from its source, of the streams that lead to what failed', async () => {
    const yaml = config(
      '{ stamp: {} }',
      `  two: { from: one, steps: [{ gate: {} }], to: { topic: { name: also } } }
  three: { from: in, steps: [], to: { topic: { name: apart } } }`,
    )
    const { broker, state, send, pipeline } = await started(yaml, [bad(1)])
    state.healed = true
    await send({ to: 'source' })
    expect((await valuesOf(broker, 'out')).length).toBe(2)
    expect((await valuesOf(broker, 'also')).length).toBe(1)
    expect((await valuesOf(broker, 'apart')).length).toBe(1)
    expect(await pipeline.conservation()).toMatchObject([
      { stream: 'one', read: 1, emitted: 1, dead: 0 },
      { stream: 'two', read: 1, emitted: 1, dead: 0 },
      { stream: 'three', read: 1, emitted: 1, dead: 0 },
    ])
  })

  it('is read again where its bytes could not be read, as they were mended', async () => {
    const { broker, send, pipeline } = await started(config('{ gate: {} }'), [output('in', Buffer.from('{"n": '))])
    await send({ fix: { bytes: Buffer.from('{"n": 4}') } })
    expect((await recordsOf(broker, 'out')).map(({ value }) => value!.toString())).toEqual(['{"n": 4}'])
    expect(await standingsOf(broker)).toEqual(new Map([[(await lettersOf(broker))[0]!.id, 'resolved']]))
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])
  })

  it('takes a fix by an expression, over what goes back', async () => {
    const { broker, send } = await started(config('{ stamp: {} }, { gate: {} }'), [bad(1), bad(2)])
    const fix = fixBy('{"n": record.n, "was": record.stamped}')
    expect(await send({ fix })).toEqual({ sent: 2, refused: 0 })
    expect(await valuesOf(broker, 'out')).toEqual([
      { n: 1, was: true },
      { n: 2, was: true },
    ])
    expect((await lettersOf(broker))[0]!.record.value!.toString()).toBe('{"n":1,"bad":true}')
  })

  it('counts its record once where several parts of it died', async () => {
    const parts = [{ n: 1 }, { n: 2, bad: true }, { n: 3, bad: true }]
    const yaml = config('{ split: {} }, { gate: {} }', '  two: { from: one, steps: [], to: { topic: { name: also } } }')
    const { broker, state, send, pipeline } = await started(yaml, [output('in', { parts })])
    expect((await lettersOf(broker)).length).toBe(2)
    state.healed = true
    await send()
    expect((await valuesOf(broker, 'also')).length).toBe(3)
    expect(await pipeline.conservation()).toMatchObject([
      { stream: 'one', read: 1, emitted: 1, dead: 0, inFlight: 0 },
      { stream: 'two', read: 1, emitted: 1, dead: 0, inFlight: 0 },
    ])
  })

  it('is no duplicate of itself', async () => {
    const { broker, state, send } = await started(config('{ dedupe: { by: record.n } }, { gate: {} }'), [
      bad(1),
      bad(1),
    ])
    state.healed = true
    await send({ to: 'source' })
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 1, bad: true }])
  })

  it('stays dead when it was sent back as often as it may be', async () => {
    const yaml = `${config('{ gate: {} }')}\ndeadLetters: { maxHops: 1 }`
    const { broker, send, log, plan, pipeline } = await started(yaml, [bad(1)])
    await send()
    const [, again] = await lettersOf(broker)
    const refused: string[] = []
    expect(await send({ onRefused: (_, why) => refused.push(why) }, [again!])).toEqual({ sent: 0, refused: 1 })
    expect(refused).toEqual([expect.stringContaining('it was sent back 1 times, the most that `deadLetters.maxHops`')])
    expect(await send({ to: { topic: 'later' } }, [again!])).toEqual({ sent: 0, refused: 1 })
    // A config that allowed more sent it.
    const generous = { ...plan, subtopologies: plan.subtopologies.map(withHops(9)) }
    await sendBack(broker, generous, [again!])
    await pipeline.quiet()
    expect(log.lines.at(-1)).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('stays dead: the record was sent back 1 times') as string,
    })
    expect(await standingsOf(broker)).toEqual(new Map([[again!.id, 'open']]))
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 0, dead: 1, inFlight: 0 }])
  })

  it.each<[string, string, Partial<Parameters<typeof sendBack>[3]>, string]>([
    [
      'whose operator is gone',
      '{ late: {} }',
      {},
      'the config has no one.gate (any more); send it back from its source',
    ],
    ['with bytes for an operator', '{ gate: {} }', { fix: { bytes: null } }, 'other bytes go in at the source'],
    [
      'that a fix does not fit',
      '{ gate: {} }',
      { fix: fixBy('record.none') },
      'the fix does not fit it: "record.none"',
    ],
  ])('is refused %s', async (_, steps, more, why) => {
    const first = await started(config('{ gate: {} }'), [bad(1)])
    await first.pipeline.stop()
    const { broker } = first
    const { plan, pipeline } = await startPipeline(config(steps), world().catalog, { broker, once: false })
    const refused: string[] = []
    const onRefused = (_: unknown, reason: string) => refused.push(reason)
    expect(await sendBack(broker, plan, await lettersOf(broker), { ...more, onRefused })).toEqual({
      sent: 0,
      refused: 1,
    })
    expect(refused).toEqual([expect.stringContaining(why)])
    await pipeline.quiet()
    expect(await entriesOf(broker)).toEqual([])
  })

  it('is refused at the operator where the letter does not hold what that was given, and not at its source', async () => {
    const yaml = `${config('{ stamp: {} }, { gate: {} }')}\ndeadLetters: { redact: [n] }`
    const { broker, state, send } = await started(yaml, [bad(1)])
    state.healed = true
    const refused: string[] = []
    await send({ onRefused: (_, why) => refused.push(why) })
    expect(refused).toEqual([
      'the letter does not hold what one.gate was given: it is redacted; send it back from its source (`--to source`)',
    ])
    await send({ to: 'source' })
    expect(await valuesOf(broker, 'out')).toEqual([{ n: 1, bad: true, stamped: true }])
  })

  it('goes to another topic as it is, and is resolved by that', async () => {
    const { broker, send } = await started(config('{ gate: {} }'), [bad(1, { headers: [['a', null]] })])
    await send({ to: { topic: 'later' }, why: 'no use here' })
    expect(await recordsOf(broker, 'later')).toMatchObject([
      {
        key: Buffer.from('k'),
        headers: [
          ['a', null],
          ['dlq.hops', Buffer.from('1')],
        ],
      },
    ])
    expect(await entriesOf(broker)).toMatchObject([{ to: 'resolved', why: 'no use here; sent to later' }])
  })
})

describe('a letter that was dealt with', () => {
  async function chosenOf(broker: Broker, plan: Plan) {
    const ledger = new Ledger(broker)
    const letters: Letter[] = []
    for await (const letter of chosenLetters({ broker, ledger, plan }, {})) letters.push(letter)
    await ledger.close()
    return letters
  }

  it('is open when its record dies anew after a reset, though it was sent back before, and is processed then', async () => {
    const yaml = config('{ gate: {} }')
    const first = await started(yaml, [bad(1)])
    const { broker, plan, state, send } = first
    await send()
    state.healed = true
    await send({}, await chosenOf(broker, plan))
    expect(await standingsOf(broker)).toEqual(new Map([[(await lettersOf(broker))[0]!.id, 'resolved']]))
    await first.pipeline.stop()
    await broker.reset('p', { offsets: [], topics: ['p-in-redrive'] })

    const again = world()
    const { pipeline } = await startPipeline(yaml, again.catalog, { broker, once: false })
    await pipeline.quiet()
    expect((await lettersOf(broker)).map(({ hops }) => hops)).toEqual([0, 1, 0])
    const ledger = new Ledger(broker)
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 1, resolved: 0, redriving: 0 }])
    await ledger.close()
    again.state.healed = true
    await sendBack(broker, plan, await chosenOf(broker, plan))
    await pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toHaveLength(2)
    expect(await chosenOf(broker, plan)).toEqual([])
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])
  })

  it.each<['resolved' | 'discarded', number]>([
    ['resolved', 2],
    ['discarded', 1],
  ])('is processed when it is opened again: %s', async (disposition, times) => {
    const { broker, plan, pipeline, state, send } = await started(config('{ gate: {} }'), [bad(1)])
    state.healed = true
    const said = { plan, broker, now: Date.now, by: 'ann', why: 'lost further on' }
    if (disposition === 'resolved') await send()
    else await discardLetters(chosenLetters({ broker, plan, ledger: new Ledger(broker) }, {}), said)
    const ledger = new Ledger(broker)
    const [{ id }] = (await lettersOf(broker)) as [Letter]
    const reopen = (ids?: readonly string[]) =>
      reopenLetters({ ...said, ledger, choice: ids ? { ids } : {}, dispositions: ['resolved', 'discarded'] })
    expect(await reopen([id])).toBe(1)
    await expect(reopen([id])).rejects.toThrow(`only what is resolved or discarded can be opened: ${id} is open`)
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 1, resolved: 0, discarded: 0 }])
    expect(ledger.history(id).at(-1)).toMatchObject({ to: 'open', reopened: 1, by: 'ann', why: 'lost further on' })

    const [stale] = await lettersOf(broker)
    await send({}, await chosenOf(broker, plan))
    expect(await valuesOf(broker, 'out')).toHaveLength(times)
    expect(await standingsOf(broker)).toEqual(new Map([[id, 'resolved']]))
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])

    // A sender that chose it before it was opened again changes nothing.
    await send({}, [stale!])
    expect(await standingsOf(broker)).toEqual(new Map([[id, 'resolved']]))
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 0, redriving: 0, resolved: 1 }])
    expect(await valuesOf(broker, 'out')).toHaveLength(times)
    await ledger.close()
  })

  it('stays open when a sender that chose it before it was opened again sends it, and is processed once more then', async () => {
    const { broker, plan, pipeline, state, send } = await started(config('{ gate: {} }'), [bad(1)])
    state.healed = true
    const [stale] = await lettersOf(broker)
    await send()
    const ledger = new Ledger(broker)
    const said = { plan, broker, now: Date.now, by: 'ann', why: 'lost further on' }
    await reopenLetters({ ...said, ledger, choice: {}, dispositions: ['resolved'] })
    await send({ redrive: 'late' }, [stale!])
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 1, redriving: 0, resolved: 0 }])
    expect(await valuesOf(broker, 'out')).toHaveLength(1)

    await send({ redrive: 'r2' }, await chosenOf(broker, plan))
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 0, redriving: 0, resolved: 1 }])
    expect(await valuesOf(broker, 'out')).toHaveLength(2)
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])
    await ledger.close()
  })

  it('has passed when a late sender sends it that was given up, opened again, and never taken up', async () => {
    const { broker, plan, pipeline, state, send } = await started(config('{ gate: {} }'), [bad(1)])
    state.healed = true
    const ledger = new Ledger(broker)
    const [stale] = await chosenOf(broker, plan)
    const said = { plan, broker, now: Date.now, by: 'ann', why: 'lost further on' }
    await discardLetters(chosenLetters({ broker, plan, ledger }, {}), said)
    await reopenLetters({ ...said, ledger, choice: {}, dispositions: ['discarded'] })
    const [fresh] = await chosenOf(broker, plan)
    await send({ redrive: 'late' }, [stale!])
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 0, redriving: 0, resolved: 1 }])
    expect(await valuesOf(broker, 'out')).toHaveLength(1)
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])

    // One that had read it as it was opened again has it processed once more, and counted once.
    await send({ redrive: 'later' }, [fresh!])
    expect(await valuesOf(broker, 'out')).toHaveLength(2)
    expect(await ledger.counts(['dlq.in'], 0)).toMatchObject([{ open: 0, redriving: 0, resolved: 1 }])
    expect(await pipeline.conservation()).toMatchObject([{ read: 1, emitted: 1, dead: 0, inFlight: 0 }])
    await ledger.close()
  })
})

it('letters are given up, and opened again, in units of so many bytes at most', async () => {
  const filler = 'x'.repeat(3_000_000)
  const { broker, plan } = await started(
    config('{ gate: {} }'),
    [1, 2, 3, 4].map((n) => output('in', { n, bad: true, filler })),
  )
  const units: number[] = []
  const counted: Broker = {
    ...broker,
    commit: (unit) => {
      units.push(unit.outputs.length)
      return broker.commit(unit)
    },
  }
  const ledger = new Ledger(broker)
  const said = { plan, broker: counted, now: Date.now, by: 'ann', why: '' }
  await discardLetters(chosenLetters({ broker, plan, ledger }, {}), said)
  await reopenLetters({ ...said, ledger, choice: {}, dispositions: ['discarded'] })
  expect(units).toEqual([3, 1, 3, 1])
  await ledger.close()
})

describe('a canary', () => {
  it.each([
    [true, 5],
    [false, 2],
  ])('healed: %s: %i letters are sent', async (healed, count) => {
    const { broker, state, plan } = await started(
      config('{ gate: {} }'),
      [1, 2, 3, 4, 5].map((n) => bad(n)),
    )
    state.healed = healed
    const { sent, canary } = await sendBack(broker, plan, await lettersOf(broker), { canary: 2 })
    expect([sent, canary]).toEqual([count, { sent: 2, passed: healed ? 2 : 0, failed: healed ? 0 : 2 }])
  })

  it('heeds nothing that is said of its letters as they stood before they were opened again', async () => {
    const { broker, plan } = await started(config('{ gate: {} }'), [bad(1)])
    const letter = { ...(await lettersOf(broker))[0]!, reopened: { times: 1, passed: true } }
    const parts = { plan, broker, scheduler: asyncScheduler, signal: new AbortController().signal }
    const canary = await Canary.of([letter], parts)
    const { id, topic, hops, failedAt } = letter
    const said = { letter: id, hops, failedAt, by: 'ann', why: '', at: 0 }
    await append(broker, [
      entryRecord(topic, { ...said, to: 'resolved', reopened: 0 }),
      entryRecord(topic, { ...said, to: 'discarded', reopened: 1 }),
    ])
    expect(await canary.outcome([letter])).toEqual({ sent: 1, passed: 0, failed: 1 })
  })
})

it('letters that stay where they are are no canary: the next ones are', async () => {
  const { broker, plan } = await started(
    config('{ gate: {} }'),
    [1, 2, 3].map((n) => bad(n)),
  )
  const [first, ...others] = (await lettersOf(broker)) as [Letter, ...Letter[]]
  const far = { ...first, origin: { ...first.origin, partition: 9 } }
  expect(await sendBack(broker, plan, [far, ...others], { canary: 1 })).toEqual({
    ...{ sent: 1, refused: 1 },
    canary: { sent: 1, passed: 0, failed: 1 },
  })
})

it('a letter that is named twice goes once', async () => {
  const { broker, plan } = await started(config('{ gate: {} }'), [bad(1)])
  const [{ id }] = (await lettersOf(broker)) as [Letter]
  const ledger = new Ledger(broker)
  const letters = chosenLetters({ broker, plan, ledger }, { ids: [id, id] })
  expect(await sendBack(broker, plan, letters, { to: { topic: 'elsewhere' } })).toEqual({ sent: 1, refused: 0 })
  expect(await recordsOf(broker, 'elsewhere')).toHaveLength(1)
  await ledger.close()
})

it('a letter is found on its topic, also when another one has a copy of it', async () => {
  const { broker, plan } = await started(config('{ gate: {} }'), [bad(1)])
  const [{ id }] = (await lettersOf(broker)) as [Letter]
  const [{ key, value, headers, timestamp }] = (await recordsOf(broker, 'dlq.in')) as [StoredRecord]
  const ledger = new Ledger(broker)
  await ledger.follow(['dlq.in'])
  await append(broker, [{ topic: 'archive', key, value, headers, timestamp }])
  await ledger.follow(['archive'])
  expect(await sendBack(broker, plan, chosenLetters({ broker, plan, ledger }, { ids: [id] }))).toMatchObject({
    sent: 1,
  })
  expect((await entriesOf(broker))[0]).toMatchObject({ letter: id, to: 'redriving' })
  await ledger.close()
})

it('a letter that retention deletes meanwhile is not another one', async () => {
  const { broker, plan } = await started(
    config('{ gate: {} }'),
    [1, 2].map((n) => bad(n)),
  )
  const [{ id }] = (await lettersOf(broker)) as [Letter]
  const late: Broker = {
    ...broker,
    read: ({ offset, ...place }, most) =>
      broker.read({ ...place, offset: place.topic === 'dlq.in' && most === 1 ? offset + 1n : offset }, most),
  }
  const ledger = new Ledger(broker)
  const chosen = async () => {
    for await (const letter of chosenLetters({ broker: late, plan, ledger }, { ids: [id] })) return letter.id
    return undefined
  }
  await expect(chosen()).rejects.toThrow(`no such open letter: ${id}`)
  await ledger.close()
})

it('keeps a rate', async () => {
  const { broker, plan } = await started(
    config('{ gate: {} }'),
    Array.from({ length: 20 }, (_, n) => bad(n)),
  )
  const clock = new VirtualClock(0)
  const sending = sendBack(broker, plan, await lettersOf(broker), { rate: 50, scheduler: clock })
  const sent = async () => (await recordsOf(broker, 'p-in-redrive')).length
  while ((await sent()) < 5) await setImmediate()
  for (let step = 0; step < 3; step++) {
    const before = await sent()
    expect(before).toBe(5 * (step + 1))
    clock.step()
    while ((await sent()) === before) await setImmediate()
  }
  await sending
  expect(clock.now()).toBe(300)
})

describe('behind an internal topic', () => {
  const counting = operator(
    'count',
    (_, { state }) =>
      (record) => {
        const { bad: isBad } = record.value as Value
        if (isBad && !healed.now) return fail(record, new RecordedFault('count.refused', 'It cannot be counted.'))
        const seen = ((state.get(String(record.key)) as number | undefined) ?? 0) + 1
        state.set(String(record.key), seen)
        return emit(record, withValue(record, { key: String(record.key), seen }))
      },
    { keyed: true },
  )
  const healed = { now: false }
  const yaml = config('{ keyBy: record.name }, { count: {} }').replace(
    'in: { topic: {',
    'in: { partitions: 4, topic: {',
  )
  const records = ['oar', 'net', 'hook', 'oar'].map((name, n) =>
    output('in', { n, name, ...(n === 3 && { bad: true }) }, { partition: n }),
  )

  it.each(['operator', 'source'] as const)('goes to the task that has its key: to its %s', async (to) => {
    healed.now = false
    const catalog = catalogWith({ operators: [keyBy, counting] })
    const { pipeline, broker, plan } = await startPipeline(yaml, catalog, { once: false })
    await append(broker, records)
    await pipeline.quiet()
    const [letter] = await lettersOf(broker)
    expect(letter).toMatchObject({ operator: 'one.count', inputKey: 'oar', read: { topic: 'p-one-repartition' } })
    await sendBack(broker, plan, [letter!], { to })
    await pipeline.quiet({ settled: true })
    const [, again] = await lettersOf(broker)
    expect(again).toMatchObject({ id: letter!.id, hops: 1, firstFailedAt: letter!.firstFailedAt })
    healed.now = true
    await sendBack(broker, plan, [again!], { to })
    await pipeline.quiet({ settled: true })
    expect(await valuesOf(broker, 'out')).toContainEqual({ key: 'oar', seen: 2 })
    expect(await standingsOf(broker)).toEqual(new Map([[letter!.id, 'resolved']]))
    expect(await pipeline.conservation()).toMatchObject([
      { source: 'in', read: 4, emitted: 4, dead: 0, inFlight: 0 },
      { source: 'p-one-repartition', read: 4, emitted: 4, dead: 0, inFlight: 0 },
    ])
  })
})
