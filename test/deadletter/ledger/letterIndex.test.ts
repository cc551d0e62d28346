import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import {
  entryRecord,
  groupEntryRecord,
  ledgerOf,
  readEntry,
  type Disposition,
  type GroupEntry,
  type LedgerEntry,
} from '../../../src/deadletter/ledger/entry.ts'
import { Audit } from '../../../src/deadletter/ledger/audit.ts'
import { follow } from '../../../src/deadletter/ledger/follow.ts'
import { LetterGroups } from '../../../src/deadletter/ledger/groups.ts'
import { LetterIndex } from '../../../src/deadletter/ledger/letterIndex.ts'
import { Letters, type IndexedLetter } from '../../../src/deadletter/ledger/letters.ts'
import { deadLetter, letterId } from '../../../src/deadletter/letter.ts'
import { readLetter } from '../../../src/deadletter/readLetter.ts'
import { redactor } from '../../../src/deadletter/redact.ts'
import { RecordedFault } from '../../../src/record/fault.ts'
import type { OutputRecord } from '../../../src/record/record.ts'

const topic = 'dlq.orders'
const hour = 3_600_000
const now = 1_000 * hour
const opened: { close(): unknown }[] = []

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
})

interface Failed {
  readonly offset?: number
  readonly code?: string
  readonly hops?: number
  readonly failedAt?: number
  readonly key?: string
}

const idOf = (offset: number): string =>
  letterId({ topic: 'orders', partition: 0, offset: BigInt(offset) }, 'paid.map', '')

function letter({ offset = 0, code = 'value.bad', hops = 0, failedAt = now, key = 'k' }: Failed): OutputRecord {
  const origin = { source: 'orders', topic: 'orders', partition: 0, offset: BigInt(offset), timestamp: 5 }
  const raw = { key: Buffer.from(key), value: Buffer.from('{}'), headers: [], timestamp: 5 }
  const fault = new RecordedFault(code, `It is bad at ${failedAt}.`, 'deadLetter')
  const times = { firstFailedAt: failedAt, failedAt }
  return deadLetter(
    { raw, input: { value: {}, index: '', origin }, operator: 'paid.map', fault, attempts: 1, hops, ...times },
    { pipeline: 'shop', revision: 'r1', topic, envelope: 'headers', redact: redactor([], []) },
  )
}

const entry = (to: Disposition, { offset = 0, hops = 0, failedAt = now }: Failed, at = now): LedgerEntry => ({
  letter: idOf(offset),
  to,
  hops,
  failedAt,
  by: 'ann',
  why: 'because',
  at,
})

async function write(broker: Broker, outputs: readonly OutputRecord[]): Promise<void> {
  await broker.commit({ group: 'test', task: '', outputs, offsets: [], state: [], counts: [] })
}

const say = (broker: Broker, ...entries: readonly LedgerEntry[]): Promise<void> =>
  write(
    broker,
    entries.map((each) => entryRecord(topic, each)),
  )

async function start(file?: string) {
  const broker = await openEmbedded({ directory: ':memory:', now: () => now })
  await broker.ensureTopics([{ name: topic, partitions: 2 }, { name: ledgerOf(topic) }])
  const index = new LetterIndex(file)
  opened.push(broker, index)
  const groups = new LetterGroups(index)
  return {
    broker,
    index,
    follow: () => follow(broker, index, [topic]),
    letters: new Letters(index),
    count: async () => groups.counts([topic], await broker.topics([topic]), now)[0]!,
    groups: () => groups.list([topic], now),
  }
}

test('a letter is open until the ledger says otherwise, and open again when it fails again', async () => {
  const { broker, follow, count, letters } = await start()
  await write(broker, [letter({ offset: 1 }), letter({ offset: 2 })])
  await follow()
  expect(await count()).toMatchObject({ open: 2, redriving: 0, resolved: 0, discarded: 0, retained: 2, oldest: now })

  await say(broker, entry('redriving', { offset: 1 }), entry('discarded', { offset: 2 }))
  await follow()
  expect(await count()).toMatchObject({ open: 0, redriving: 1, discarded: 1 })

  await write(broker, [letter({ offset: 1, hops: 1, failedAt: now + 5 })])
  await follow()
  expect(await count()).toMatchObject({ open: 1, redriving: 0, discarded: 1, retained: 3, oldest: now + 5 })
  expect(letters.letter(idOf(1))).toMatchObject({ disposition: 'open', hops: 1, failedAt: now + 5 })
  expect(letters.history(idOf(1))).toEqual([entry('redriving', { offset: 1 })])
})

test('what is just being committed is waited for where all that was said must be known, but not for ever', async () => {
  const { broker, index, follow: followNow, count } = await start()
  let stuck = 3
  /** As Kafka does behind a transaction that was left open: nothing for a while. */
  const behind: Pick<Broker, 'topics' | 'read'> = {
    topics: (names) => broker.topics(names),
    read: async (from, most) =>
      from.topic === ledgerOf(topic) && stuck-- > 0
        ? { ...from, records: [], next: from.offset }
        : broker.read(from, most),
  }
  await write(broker, [letter({ offset: 1 })])
  await say(broker, entry('redriving', { offset: 1 }))
  await follow(behind, index, [topic])
  expect(await count()).toMatchObject({ open: 1, redriving: 0 })
  await follow(behind, index, [topic], { whole: true })
  expect(await count()).toMatchObject({ open: 0, redriving: 1 })

  await say(broker, entry('resolved', { offset: 1 }))
  stuck = Infinity
  await expect(follow(behind, index, [topic], { whole: true })).rejects.toThrow(
    'dlq.orders-ledger, partition 0, cannot be read beyond 1: a transaction has been open there',
  )
  await followNow()
  expect(await count()).toMatchObject({ redriving: 0, resolved: 1 })
})

test('what is said of a failure that is over says nothing of a later one, whichever comes first', async () => {
  const { broker, follow, count } = await start()
  await say(broker, entry('resolved', { offset: 1 }), entry('discarded', { offset: 2, hops: 3 }))
  await write(broker, [letter({ offset: 1, hops: 1 }), letter({ offset: 2, hops: 3 })])
  await follow()
  expect(await count()).toMatchObject({ open: 1, resolved: 0, discarded: 1, retained: 2 })

  // The pipeline was reset: it dies anew, as often sent back as never.
  await write(broker, [letter({ offset: 2, failedAt: now + 1 })])
  await follow()
  expect(await count()).toMatchObject({ open: 2, discarded: 0, retained: 3 })
})

test('letters that failed alike are one group: new, ongoing, resolved, regressed', async () => {
  const { broker, follow, groups } = await start()
  await write(broker, [
    letter({ offset: 1, failedAt: now - 2 * hour }),
    letter({ offset: 2, failedAt: now - hour }),
    letter({ offset: 3, code: 'value.worse', failedAt: now - 30 * hour }),
    letter({ offset: 4, code: 'value.gone', failedAt: now - 30 * hour }),
  ])
  await say(broker, entry('resolved', { offset: 4, failedAt: now - 30 * hour }, now - 9 * hour))
  await follow()
  const trend = Array<number>(24).fill(0).with(21, 1).with(22, 1)
  expect(groups()).toMatchObject([
    {
      code: 'value.bad',
      state: 'new',
      open: 2,
      first: now - 2 * hour,
      last: now - hour,
      oldest: now - 2 * hour,
      trend,
    },
    { code: 'value.worse', state: 'ongoing', open: 1, source: 'orders', operator: 'paid.map', pipeline: 'shop' },
    { code: 'value.gone', state: 'resolved', open: 0, resolved: 1 },
  ])
  expect(groups()[0]!.message).toBe(`It is bad at ${now - hour}.`)

  await write(broker, [letter({ offset: 5, code: 'value.gone', failedAt: now })])
  await follow()
  expect(groups()[0]).toMatchObject({ code: 'value.gone', state: 'regressed', open: 1, resolved: 1 })

  // Who deletes what is resolved says so before; it was dealt with long ago.
  await say(broker, entry('resolved', { offset: 4, failedAt: now - 30 * hour }, now + hour))
  await follow()
  expect(groups()[0]).toMatchObject({ code: 'value.gone', state: 'regressed', open: 1, resolved: 1 })
})

test('pages follow one another without a gap or a repeat', async () => {
  const { broker, follow, letters, groups } = await start()
  const failures = Array.from({ length: 25 }, (_, offset) => ({
    offset,
    code: offset % 3 === 0 ? 'value.bad' : 'value.worse',
    failedAt: now - (offset % 4),
    key: `k${offset % 2}`,
  }))
  await write(broker, failures.map(letter))
  await follow()
  for (const choice of [{}, { topic }, { fingerprint: groups()[0]!.fingerprint }, { key: Buffer.from('k1') }]) {
    const pages: string[] = []
    for (let page = letters.page(choice, 4); ; page = letters.page(choice, 4, page.next)) {
      pages.push(...page.letters.map(({ id }) => id))
      if (!page.next) break
    }
    const all = letters.page(choice, 100).letters
    expect(pages).toEqual(all.map(({ id }) => id))
    expect(all.map(({ failedAt }) => failedAt)).toEqual(all.map(({ failedAt }) => failedAt).toSorted((a, b) => b - a))
  }
  expect(letters.page({}, 100).letters).toHaveLength(25)
  expect(letters.page({ key: Buffer.from('k1'), disposition: ['open'] }, 100).letters).toHaveLength(12)
  expect(letters.page({ topic: 'dlq.other' }, 100).letters).toEqual([])
})

test('an index in a file goes on where it was, and begins anew when the topic was made anew', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-index-'))
  opened.push({ close: () => rmSync(directory, { recursive: true }) })
  const first = await start(join(directory, 'letters.db'))
  await write(first.broker, [letter({ offset: 1 }), letter({ offset: 2 })])
  await first.follow()
  first.index.close()

  const again = new LetterIndex(join(directory, 'letters.db'))
  opened.push(again)
  const reads: bigint[] = []
  const { topics, read } = first.broker
  const watched = { topics, read: (...all: Parameters<Broker['read']>) => (reads.push(all[0].offset), read(...all)) }
  await follow(watched, again, [topic])
  expect(reads).toEqual([])
  expect(new Letters(again).page({}, 9).letters).toHaveLength(2)

  const other = await openEmbedded({ directory: ':memory:', now: () => now })
  opened.push(other)
  await other.ensureTopics([{ name: topic, partitions: 2 }])
  await write(other, [letter({ offset: 7 })])
  await follow(other, again, [topic])
  expect(new Letters(again).page({}, 9).letters).toMatchObject([{ id: idOf(7) }])
})

test('what one process forgets of a topic that was made anew, another one that shares the file does not go on with', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-index-'))
  opened.push({ close: () => rmSync(directory, { recursive: true }) })
  const first = await start(join(directory, 'letters.db'))
  await write(first.broker, [letter({ offset: 1 }), letter({ offset: 2, code: 'value.worse' })])
  await first.follow()

  const anew = await openEmbedded({ directory: ':memory:', now: () => now })
  const shared = new LetterIndex(join(directory, 'letters.db'))
  opened.push(anew, shared)
  await anew.ensureTopics([{ name: topic, partitions: 2 }])
  await follow(anew, shared, [topic])
  // The numbers of the groups that are gone are given again, to others.
  await write(anew, [letter({ offset: 3, code: 'value.new' })])
  await follow(anew, shared, [topic])
  await write(anew, [letter({ offset: 4 }), letter({ offset: 5, code: 'value.worse' })])
  await follow(anew, first.index, [topic])
  const counted = first.groups().map(({ code, open }) => [code, open])
  expect(counted.toSorted()).toEqual([['value.bad', 1], ['value.new', 1], ['value.worse', 1]]) // prettier-ignore
})

test('what was read before another process forgot the topic is not taken', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-index-'))
  opened.push({ close: () => rmSync(directory, { recursive: true }) })
  const { broker, follow: followFirst, index } = await start(join(directory, 'letters.db'))
  const shared = new LetterIndex(join(directory, 'letters.db'))
  opened.push(shared)
  const inFirst = (each: OutputRecord) => ({ ...each, partition: 0 })
  await write(broker, [letter({ offset: 1 })].map(inFirst))
  await followFirst()
  await write(broker, [letter({ offset: 2 })].map(inFirst))
  const forgetful: typeof broker.read = async (...all) => {
    const batch = await broker.read(...all)
    if (all[0].offset === 1n) shared.forget(topic)
    return batch
  }
  await follow({ topics: broker.topics, read: forgetful }, index, [topic])
  expect(new Letters(index).page({}, 9).letters.map(({ id }) => id)).toEqual([idOf(2), idOf(1)])
})

test('what another process reads on meanwhile is no topic that was made anew', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-index-'))
  opened.push({ close: () => rmSync(directory, { recursive: true }) })
  const { broker, index, follow: followFirst, count } = await start(join(directory, 'letters.db'))
  const shared = new LetterIndex(join(directory, 'letters.db'))
  opened.push(shared)
  const inFirst = (each: OutputRecord) => ({ ...each, partition: 0 })
  await write(broker, [inFirst(letter({ offset: 1 }))])
  await followFirst()
  await broker.trim([{ topic, partition: 0, offset: 1n }])
  await followFirst()
  expect(await count()).toMatchObject({ open: 0, expired: 1 })

  let asked = 0
  const slow: typeof broker.topics = async (names) => {
    const infos = await broker.topics(names)
    if (asked++ > 0) return infos
    await write(broker, [inFirst(letter({ offset: 2 }))])
    await follow(broker, shared, [topic])
    return infos
  }
  await follow({ topics: slow, read: broker.read }, index, [topic])
  expect(await count()).toMatchObject({ open: 1, expired: 1, failures: 2 })
})

test('groups that were merged into one whose letters are gone stand in it again when it has some', async () => {
  const { broker, follow: followFirst, groups } = await start()
  const fail = (failed: Failed) => write(broker, [{ ...letter(failed), partition: 0 }])
  await fail({ offset: 1, code: 'value.worse' })
  await fail({ offset: 2 })
  await followFirst()
  const of = (code: string) => groups().find((group) => group.code === code)!.fingerprint
  const merged: GroupEntry = {
    group: of('value.bad'),
    to: { mergedInto: of('value.worse') },
    by: 'ann',
    why: '',
    at: now,
  }
  await write(broker, [groupEntryRecord(topic, merged)])
  await followFirst()
  await broker.trim([{ topic, partition: 0, offset: 1n }])
  await followFirst()
  const anew = new LetterIndex()
  opened.push(anew)
  await follow(broker, anew, [topic])
  await fail({ offset: 3, code: 'value.worse' })
  for (const each of [followFirst, () => follow(broker, anew, [topic])]) await each()
  for (const all of [groups(), new LetterGroups(anew).list([topic], now)])
    expect(all.map(({ code, open }) => [code, open])).toEqual([['value.worse', 2]])
})

test('what a write numbered that was undone is numbered anew', async () => {
  const { broker, index, follow, groups } = await start()
  await write(broker, [letter({ offset: 1 })])
  const unreadable = { ...letter({ offset: 1 }), partition: 0, offset: 0n }
  expect(() =>
    index.takeLetters({ topic, partition: 0, known: 0, next: 2 }, [
      { ...readLetter({ ...unreadable, topic })!, code: 'value.gone', message: '', key: null, fingerprint: '2-gone' },
      undefined as never,
    ]),
  ).toThrow()
  await follow()
  expect(groups().map(({ code, open }) => [code, open])).toEqual([['value.bad', 1]])
})

test('open letters that their topic has deleted are expired, and those that it will delete within a day are counted', async () => {
  const { index, count, letters } = await start()
  const ended = { name: topic, retention: 3 * 24 * hour }
  const at = (days: number) => now - days * 24 * hour
  const stored = [at(4), at(2.5), at(1)].map((failedAt, offset) => ({
    ...letter({ offset, failedAt }),
    topic,
    partition: 0,
    offset: BigInt(offset),
  }))
  const broker = (start: bigint) => ({
    topics: () => Promise.resolve([{ ...ended, partitions: [{ partition: 0, start, end: 3n }] }]),
    read: ({ offset }: { readonly offset: bigint }) =>
      Promise.resolve({ topic, partition: 0, records: stored.slice(Number(offset)), next: 3n }),
  })
  await follow(broker(0n), index, [topic])
  expect(new LetterGroups(index).counts([topic], await broker(0n).topics(), now)[0]).toMatchObject({
    open: 3,
    expiring: 2,
    warnings: ['2 open letters will be deleted by retention within a day'],
  })
  expect(
    new LetterGroups(index).counts(
      [topic],
      [{ name: topic, partitions: [], compacted: true, retentionBytes: 1_000, retention: hour }],
      at(0),
      new Map([[topic, 7 * 24 * hour]]),
    )[0]!.warnings,
  ).toEqual([
    '3 open letters will be deleted by retention within a day',
    expect.stringMatching(/^it is compacted/),
    expect.stringMatching(/^it keeps letters 1h, the config says 7d/),
    expect.stringMatching(/^each partition keeps 1,000 bytes at most \(retention\.bytes\)/),
  ])
  index.takeEntries({ topic: ledgerOf(topic), partition: 0, known: 0, next: 1 }, topic, [
    { entry: entry('discarded', { offset: 0, failedAt: at(4) }), offset: 0n },
  ])
  await follow(broker(2n), index, [topic])
  expect(await count()).toMatchObject({ open: 1, expired: 1, discarded: 0 })
  expect(letters.page({}, 9).letters).toMatchObject([{ id: idOf(2) }])
  expect(letters.history(idOf(0))).toEqual([entry('discarded', { offset: 0, failedAt: at(4) })])
})

test('what was said of letters that are gone is told as long as the ledger has it', async () => {
  const { broker, index, follow: readOn, count, letters } = await start()
  const said = [entry('discarded', { offset: 1 }), entry('discarded', { offset: 2 }, now + 1)] as const
  const muted: GroupEntry = { group: '2-known', to: 'muted', by: 'ann', why: '', at: now }
  await write(broker, [{ ...letter({ offset: 1 }), partition: 0 }, groupEntryRecord(topic, muted)])
  await say(broker, said[0])
  await readOn()
  await broker.trim([{ topic, partition: 0, offset: 1n }])
  await say(broker, said[1])
  await readOn()
  expect(await count()).toMatchObject({ open: 0, discarded: 0, expired: 0, retained: 0 })
  expect(letters.letter(idOf(1))).toBeUndefined()
  expect(letters.history(idOf(1))).toEqual([said[0]])
  const told = (of: LetterIndex) => new Audit(of).page(9).entries.map(({ topic: _, ...each }) => each)
  expect(told(index)).toEqual([said[1], said[0], muted])
  const anew = new LetterIndex()
  opened.push(anew)
  await follow(broker, anew, [topic])
  expect(told(anew)).toEqual(told(index))

  await broker.trim([{ topic: ledgerOf(topic), partition: 0, offset: 2n }])
  await readOn()
  expect(told(index)).toEqual([said[1], muted])
  expect(letters.history(idOf(1))).toEqual([])
})

/** Written once more under the id of a letter, or something said of one that was written, or was not. */
const steps = (partitions: number) =>
  fc.array(
    fc.oneof(
      fc.record({
        offset: fc.integer({ min: 0, max: 4 }),
        hops: fc.integer({ min: 0, max: 2 }),
        clock: fc.integer({ min: 0, max: 2 }),
        partition: fc.integer({ min: 0, max: partitions - 1 }),
        code: fc.constantFrom('value.bad', 'value.worse'),
      }),
      fc.record({
        of: fc.nat(40),
        to: fc.constantFrom<Disposition>('open', 'redriving', 'resolved', 'discarded'),
        reopened: fc.constantFrom(undefined, 0, 1, 2),
      }),
      fc.constant('follow' as const),
    ),
    { maxLength: 40 },
  )

type Known = Required<Pick<Failed, 'offset' | 'hops' | 'failedAt'>>
const isSame = (one: Known, other: Known): boolean =>
  one.offset === other.offset && one.hops === other.hops && one.failedAt === other.failedAt

// Clocks may go wrong where a letter has one partition; after a reset of the pipeline its hops begin anew.
test.each([
  ['one partition, whatever clocks and hops say', 1],
  ['several partitions', 2],
])(
  'however letters and entries come, the index counts what a reader of both topics would: %s',
  async (_, partitions) => {
    await fc.assert(
      fc.asyncProperty(steps(partitions), async (given) => {
        const { broker, follow: readOn, count, letters, groups } = await start()
        const latest = new Map<number, Known>()
        const [written, said]: [Known[], { failed: Known; to: Disposition; reopened: number | undefined }[]] = [[], []]
        for (const [at, each] of given.entries()) {
          if (each === 'follow') await readOn()
          else if ('to' in each) {
            const failed = written[each.of] ?? { offset: each.of % 5, hops: 9, failedAt: now }
            const { to, reopened } = each
            said.push({ failed, to, reopened })
            await say(broker, { ...entry(to, failed), ...(reopened !== undefined && { reopened }) })
          } else {
            const { clock, partition, ...rest } = each
            const failed = { ...rest, failedAt: now + (partitions === 1 ? clock : at) }
            written.push(failed)
            latest.set(failed.offset, failed)
            await write(broker, [{ ...letter(failed), partition }])
          }
        }
        await readOn()
        const expected = { open: 0, redriving: 0, resolved: 0, discarded: 0 }
        for (const failed of latest.values()) {
          const own = said.filter((each) => isSame(each.failed, failed))
          const last = Math.max(0, ...own.map(({ reopened = 0 }) => reopened))
          expected[own.findLast(({ reopened = last }) => reopened === last)?.to ?? 'open']++
        }
        expect(await count()).toMatchObject({ ...expected, ...(partitions === 1 && { failures: written.length }) })
        expect(letters.page({}, 100).letters).toHaveLength(latest.size)
        for (const disposition of ['open', 'redriving', 'resolved', 'discarded'] as const)
          expect(groups().reduce((sum, group) => sum + group[disposition], 0)).toBe(expected[disposition])
        const anew = new LetterIndex()
        opened.push(anew)
        await follow(broker, anew, [topic])
        expect(new Letters(anew).page({}, 100).letters.map(standing).toSorted()).toEqual(
          letters.page({}, 100).letters.map(standing).toSorted(),
        )
        for (const each of opened.splice(0).reverse()) await each.close()
      }),
      { numRuns: 60 },
    )
  },
)

const standing = ({ id, disposition, reopened, hops, partition, offset }: IndexedLetter): string =>
  `${id} ${disposition} ${reopened} ${hops} ${partition}/${offset}`

test('groups are merged, with what comes later, and split again; a mute is seen and taken back', async () => {
  const { broker, follow, groups, letters, count } = await start()
  const decide = (group: string, to: GroupEntry['to']) =>
    write(broker, [groupEntryRecord(topic, { group, to, by: 'ann', why: '', at: now })])
  await write(broker, [letter({ offset: 1 }), letter({ offset: 2, code: 'value.worse' }), letter({ offset: 3 })])
  await follow()
  const named = (code: string) => groups().find((group) => group.code === code)!
  const [bad, worse] = [named('value.bad').fingerprint, named('value.worse').fingerprint]

  await decide(worse, { mergedInto: bad })
  await follow()
  expect(groups()).toMatchObject([{ fingerprint: bad, open: 3, trend: Array<number>(24).fill(0).with(23, 3) }])
  await write(broker, [letter({ offset: 4, code: 'value.worse' })])
  await say(broker, entry('discarded', { offset: 2 }))
  await follow()
  expect(groups()).toMatchObject([{ fingerprint: bad, open: 3, discarded: 1 }])
  expect(letters.page({ fingerprint: bad }, 9).letters).toHaveLength(4)
  expect(await count()).toMatchObject({ open: 3, discarded: 1, failures: 4 })

  await decide(worse, 'split')
  await decide(bad, 'muted')
  await follow()
  expect(named('value.bad')).toMatchObject({ open: 2, discarded: 0, state: 'muted' })
  expect(named('value.worse')).toMatchObject({ open: 1, discarded: 1, state: 'new' })

  await decide(bad, 'unmuted')
  await decide('none', 'muted')
  await follow()
  expect(named('value.bad')).toMatchObject({ state: 'new' })
  expect(await count()).toMatchObject({ open: 3, discarded: 1, failures: 4 })
})

test('what was decided about groups is in the audit, and holds for letters that come after it', async () => {
  const { broker, index, follow: readOn, groups, count } = await start()
  const said = { by: 'ann', why: 'known', at: now }
  await write(broker, [letter({ offset: 1 }), letter({ offset: 2, code: 'value.worse' })])
  await readOn()
  const [bad, worse] = ['value.bad', 'value.worse'].map((code) => groups().find((group) => group.code === code)!)
  await say(broker, entry('discarded', { offset: 1 }, now - 1))
  await write(broker, [
    groupEntryRecord(topic, { group: worse!.fingerprint, to: { mergedInto: bad!.fingerprint }, ...said }),
    groupEntryRecord(topic, { group: bad!.fingerprint, to: 'muted', ...said, at: now + 1 }),
  ])
  await readOn()
  expect(await count()).toMatchObject({ open: 1, discarded: 1, failures: 2 })
  expect(groups()).toMatchObject([{ fingerprint: bad!.fingerprint, open: 1, discarded: 1, state: 'muted' }])
  const audit = new Audit(index)
  const first = audit.page(2)
  expect(first.entries).toEqual([
    { topic, group: bad!.fingerprint, to: 'muted', ...said, at: now + 1 },
    { topic, group: worse!.fingerprint, to: { mergedInto: bad!.fingerprint }, ...said },
  ])
  expect(audit.page(2, first.next).entries).toEqual([{ topic, ...entry('discarded', { offset: 1 }, now - 1) }])

  const later = new LetterIndex()
  opened.push(later)
  const { records, next } = await broker.read({ topic: ledgerOf(topic), partition: 0, offset: 0n }, 9)
  const passage = { topic: ledgerOf(topic), partition: 0, known: 0, next: Number(next) }
  later.takeEntries(
    passage,
    topic,
    records.map((record) => ({ entry: readEntry(record)!, offset: record.offset })),
  )
  await follow(broker, later, [topic])
  expect(new LetterGroups(later).list([topic], now)).toMatchObject([{ fingerprint: bad!.fingerprint, state: 'muted' }])
})

test('two indexes on one file count a group that the other one made anew', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-index-'))
  opened.push({ close: () => rmSync(directory, { recursive: true }) })
  const file = join(directory, 'letters.db')
  const { broker, follow: readOn } = await start(file)
  const other = new LetterIndex(file)
  opened.push(other)
  await write(broker, [letter({ offset: 1 })])
  await readOn()
  await broker.trim([0, 1].map((partition) => ({ topic, partition, offset: 1n })))
  await write(broker, [letter({ offset: 2, code: 'value.worse' })])
  other.forget(topic)
  await follow(broker, other, [topic])
  await write(broker, [letter({ offset: 3 })])
  await readOn()
  const codes = new LetterGroups(other).list([topic], now).map(({ code, open }) => [code, open])
  expect(codes.toSorted()).toEqual([
    ['value.bad', 1],
    ['value.worse', 1],
  ])
})

test.each(['not a database, though as long as one needs to be to be looked into'.repeat(200), 'x'])(
  'a file that is of no use is made anew',
  async (content) => {
    const directory = mkdtempSync(join(tmpdir(), 'oxbow-index-'))
    opened.push({ close: () => rmSync(directory, { recursive: true }) })
    writeFileSync(join(directory, 'letters.db'), content)
    const { broker, follow, letters } = await start(join(directory, 'letters.db'))
    await write(broker, [letter({ offset: 1 })])
    await follow()
    expect(letters.page({}, 9).letters).toHaveLength(1)
  },
)
