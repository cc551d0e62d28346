import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { entryRecord, groupEntryRecord, type LedgerEntry } from '../../src/deadletter/ledger/entry.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { deadLetter } from '../../src/deadletter/letter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import type { Header, RawRecord } from '../../src/record/record.ts'
import { importLetters } from '../../src/redrive/importLetters.ts'
import { keptLetters, type KeptChoice } from '../../src/redrive/keptLetters.ts'
import { columns, decisionLine, flatLine, letterLine } from '../../src/redrive/letterLine.ts'
import { append, output } from '../support/pipeline.ts'

const topic = 'dlq.in'

/** The letter of the n-th record of the source. */
function letterOf(n: number, raw: RawRecord, envelope: 'headers' | 'json' = 'headers', failedAt = 7_000 + n) {
  const origin = { source: 'in', topic: 'in', partition: 0, offset: BigInt(n), timestamp: raw.timestamp }
  return deadLetter(
    {
      raw,
      input: { value: 1, index: '', origin },
      ...{ operator: 'one.gate', fault: new RecordedFault('record.useless', 'Of no use.'), attempts: 1, hops: 0 },
      ...{ firstFailedAt: failedAt, failedAt },
    },
    { pipeline: 'p', revision: 'r', topic, envelope, redact: redactor([], []) },
  )
}

const plainRecord = (n: number): RawRecord => ({
  key: Buffer.from(`k${n % 3}`),
  value: Buffer.from(`{"n":${n}}`),
  headers: [],
  timestamp: 1_000,
})

async function memory(): Promise<{ broker: Broker; ledger: Ledger }> {
  const broker = await openEmbedded({ directory: ':memory:', now: () => 8_000 })
  const ledger = new Ledger(broker)
  onTestFinished(async () => {
    await ledger.close()
    await broker.close()
  })
  return { broker, ledger }
}

async function exported({ broker, ledger }: { broker: Broker; ledger: Ledger }, choice: KeptChoice = {}) {
  const lines: string[] = []
  for await (const each of keptLetters(broker, ledger, [topic], choice))
    lines.push(letterLine(each, ledger.history(each.letter.id)))
  return lines
}

async function imported(place: { broker: Broker; ledger: Ledger }, lines: readonly string[]) {
  await place.broker.ensureTopics([{ name: topic }, { name: `${topic}-ledger` }])
  const from = (async function* () {
    yield* lines
  })()
  return importLetters(from, { ...place, topics: [topic], topicOf: () => topic, now: 8_000, by: 'bob', why: 'back' })
}

interface Line {
  readonly disposition: string
  readonly history: readonly object[]
}

/** Without the entry that says who imported it. */
function withoutImport(line: string): Line {
  const { history, ...rest } = JSON.parse(line) as Line
  expect(history.at(-1)).toMatchObject({ to: rest.disposition, by: 'bob', why: 'back' })
  return { ...rest, history: history.slice(0, -1) }
}

/** What was on its way back is open. */
function asImported(text: string): Line {
  const line = JSON.parse(text) as Line
  return { ...line, disposition: line.disposition === 'redriving' ? 'open' : line.disposition }
}

const bytes = fc.option(fc.uint8Array({ maxLength: 12 }).map((each) => Buffer.from(each)))
const text = fc.string({ unit: 'grapheme', maxLength: 8 }).map((each) => Buffer.from(each))
const headers = fc.array(
  fc.tuple(fc.constantFrom('a', 'b', 'dlq.x', ''), fc.oneof(bytes, text)).map((each): Header => each),
  { maxLength: 4 },
)
const raw = fc.record({ key: fc.oneof(bytes, text), value: fc.oneof(bytes, text), headers, timestamp: fc.nat() })

/** Sent, passed, opened again, and sent late as it stood before. */
const trail: readonly Pick<LedgerEntry, 'to' | 'reopened'>[] = [
  { to: 'redriving', reopened: 0 },
  { to: 'resolved' },
  { to: 'open', reopened: 1 },
  { to: 'redriving', reopened: 0 },
]

describe('letters that are exported and imported', () => {
  it('are what they were, byte for byte, with what became of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(raw, fc.constantFrom('headers' as const, 'json' as const), fc.nat(4)), { maxLength: 6 }),
        async (given) => {
          const [here, there] = [await memory(), await memory()]
          await append(
            here.broker,
            given.map(([record, envelope], n) => letterOf(n, record, envelope)),
          )
          await here.ledger.follow([topic])
          const all: string[] = await exported(here)
          const ids = all.map((line) => (JSON.parse(line) as { id: string }).id)
          const said = ids.flatMap((letter, n) =>
            trail.slice(0, given[n]![2]).map((each, at) =>
              entryRecord(topic, {
                letter,
                ...each,
                by: 'ann',
                why: 'ä\n"',
                hops: 0,
                failedAt: 7_000 + n,
                at,
                redrive: 'r1',
              }),
            ),
          )
          await append(here.broker, said)
          const lines = await exported(here)
          expect(lines).toHaveLength(given.length)
          expect(await imported(there, lines)).toMatchObject({ imported: given.length, present: 0 })
          expect((await exported(there)).map(withoutImport)).toEqual(lines.map(asImported))
          expect(await imported(there, lines)).toMatchObject({ imported: 0, present: given.length })
          const [before, after] = await Promise.all([here, there].map(({ broker }) => recordsOn(broker)))
          expect(after).toEqual(before)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('are each there once, also where a file has them twice, or an import was interrupted', async () => {
    const [here, there] = [await memory(), await memory()]
    await append(
      here.broker,
      Array.from({ length: 1_200 }, (_, n) => letterOf(n, plainRecord(n))),
    )
    const lines = await exported(here)
    expect(await imported(there, [...lines.slice(0, 700), ...lines, '', ...lines])).toMatchObject({
      imported: 1_200,
      present: 1_900,
    })
    expect((await exported(there)).map(withoutImport)).toEqual(lines.map(asImported))
  })

  it('are those that were chosen, each as it failed last', async () => {
    const here = await memory()
    await append(
      here.broker,
      [0, 1, 2, 3].map((n) => letterOf(n, plainRecord(n))),
    )
    await append(here.broker, [letterOf(1, plainRecord(1), 'headers', 9_000)])
    const lines = (await exported(here)).map((line) => JSON.parse(line) as { id: string; offset: number })
    expect(lines.map(({ offset }) => offset)).toEqual([0, 2, 3, 4])
    const { id: letter } = lines[0]!
    await append(here.broker, [
      entryRecord(topic, { letter, to: 'resolved', by: '', why: '', hops: 0, failedAt: 7_000, at: 1 }),
    ])
    expect(await exported(here, { dispositions: ['open'] })).toHaveLength(3)
    expect(await exported(here, { key: 'k0' })).toHaveLength(2)
    expect(await exported(here, { ids: [letter] })).toHaveLength(1)
    await expect(exported(here, { ids: ['f'.repeat(32)] })).rejects.toThrow(/no such letter/)
  })

  it('are what they were when they were exported, whatever the ledger says that outlived them', async () => {
    const here = await memory()
    await append(here.broker, [letterOf(0, plainRecord(0))])
    const lines = await exported(here)
    const { id: letter } = JSON.parse(lines[0]!) as { id: string }
    const discarded = entryRecord(topic, {
      letter,
      to: 'discarded',
      by: '',
      why: '',
      hops: 0,
      failedAt: 7_000,
      at: 7_500,
    })
    await append(here.broker, [discarded])
    await here.broker.trim([{ topic, partition: 0, offset: 1n }])
    expect(await exported(here)).toEqual([])
    expect(await imported(here, lines)).toMatchObject({ imported: 1 })
    const other = new Ledger(here.broker)
    for (const ledger of [here.ledger, other])
      expect(await ledger.counts([topic], 8_000)).toMatchObject([{ open: 1, discarded: 0 }])
    // The task that gave it up takes it up again.
    expect(other.letter(letter)).toMatchObject({ disposition: 'open', reopened: 1 })
    await other.close()
  })

  it('are there already, also when another topic has a copy of them', async () => {
    const here = await memory()
    await append(here.broker, [letterOf(0, plainRecord(0))])
    const lines = await exported(here)
    await append(here.broker, [{ ...letterOf(0, plainRecord(0)), topic: 'archive' }])
    await here.ledger.follow(['archive'])
    expect(await imported(here, lines)).toMatchObject({ imported: 0, present: 1 })
  })

  it('take along what was decided about their groups, once', async () => {
    const [here, there] = [await memory(), await memory()]
    await append(here.broker, [letterOf(0, plainRecord(0))])
    await here.ledger.follow([topic])
    const [group] = here.ledger.groups([topic], 8_000)
    const said = { group: group!.fingerprint, by: 'ann', why: 'known', at: 7_500 }
    const decisions = (['muted', 'split', { mergedInto: 'gone' }] as const).map((to) => ({ ...said, to }))
    await append(
      here.broker,
      decisions.map((decision) => groupEntryRecord(topic, decision)),
    )
    const lines = [...(await exported(here)), ...here.ledger.decisions(topic).map(decisionLine)]
    for (let time = 0; time < 2; time++) {
      await imported(there, lines)
      await there.ledger.follow([topic])
      expect(there.ledger.decisions(topic)).toEqual(decisions.map((decision) => ({ topic, ...decision })))
      expect(there.ledger.groups([topic], 8_000)).toMatchObject([{ state: 'muted', open: 1 }])
    }
  })

  it('end at a line that is none, and say which', async () => {
    const [here, there] = [await memory(), await memory()]
    await append(
      here.broker,
      [0, 1].map((n) => letterOf(n, plainRecord(n))),
    )
    const [one, two] = await exported(here)
    await expect(imported(there, [one!, '{"id": 7}', two!])).rejects.toThrow(/^line 2: it is no exported letter: id: /)
    await expect(imported(there, ['no json'])).rejects.toThrow(/^line 1: it is not JSON/)
    const forged = two!.replace(/"id":"."/, '"id":"x"').replace(/"id":"[0-9a-f]{4}/, '"id":"0000')
    await expect(imported(there, [forged])).rejects.toThrow(/its id is 0000\w+, that of its record \w+/)
    expect(await exported(there)).toHaveLength(1)
  })

  it('of others have the ids of their places, and cannot come back elsewhere', async () => {
    const [here, there] = [await memory(), await memory()]
    const foreign = output(
      topic,
      { n: 1 },
      {
        headers: Object.entries({ topic: 'in', partition: '0', offset: '3' }).map(([name, value]): Header => [
          `__connect.errors.${name}`,
          Buffer.from(value),
        ]),
      },
    )
    await append(here.broker, [foreign])
    const lines = await exported(here)
    expect(lines).toHaveLength(1)
    expect(await imported(here, lines)).toMatchObject({ imported: 0, present: 1 })
    const { refused } = await imported(there, lines)
    expect([...refused]).toEqual([[expect.stringContaining('others wrote it'), 1]])
  })
})

it('a row has the same columns whatever the letter, and nests nothing', async () => {
  const here = await memory()
  await append(here.broker, [
    letterOf(0, { key: null, value: null, headers: [], timestamp: 1_000 }),
    letterOf(1, { key: Buffer.from([0xff]), value: Buffer.from([0xfe]), headers: [['a', null]], timestamp: 1_000 }),
    letterOf(2, plainRecord(2), 'json'),
  ])
  for await (const each of keptLetters(here.broker, here.ledger, [topic], {})) {
    const row = JSON.parse(flatLine(each, [])) as { [column: string]: unknown }
    expect(Object.keys(row)).toEqual([...columns])
    expect(Object.values(row).filter((value) => typeof value === 'object' && value !== null)).toEqual([])
  }
})

async function recordsOn(broker: Broker) {
  const { records } = await broker.read({ topic, partition: 0, offset: 0n }, 1_000).catch(() => ({ records: [] }))
  return records
}
