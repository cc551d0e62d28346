import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Header } from '../../../src/record/record.ts'
import { chunksOf, halvesOf } from '../../../src/broker/kafka/chunks.ts'
import type { StateChange } from '../../../src/broker/broker.ts'
import { changesIn, PackedChanges } from '../../../src/broker/kafka/changeRecord.ts'
import { Unwritten } from '../../../src/broker/embedded/unwritten.ts'
import { PackedRecords, type Packable } from '../../../src/broker/kafka/packedRecords.ts'
import { decodeBatches, encodeBatch } from '../../../src/broker/kafka/recordBatch.ts'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
/** Halves of surrogate pairs too, which become the same bytes whoever encodes them. */
const text = fc.string({
  unit: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 1 }), fc.constant('\ud83d')),
  maxLength: 200,
})
const record = fc.record<Packable>({
  key: fc.oneof(fc.constant(null), bytes, text),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(text, fc.option(bytes)) as fc.Arbitrary<Header>, { maxLength: 3 }),
  timestamp: fc.integer({ min: 0, max: 8.64e15 }),
})
const records = fc.array(record, { minLength: 1, maxLength: 20 })

/** What a reader finds in a batch of them. */
function read(packed: PackedRecords) {
  const producer = { producerId: 7n, epoch: 1, sequence: 0, transactional: false }
  const [batch] = decodeBatches(encodeBatch(packed, producer, 'none'))
  return [...batch!.records(0, 't', 0)].map(({ key, value, headers, timestamp }) => ({
    key,
    value,
    headers,
    timestamp,
  }))
}
const decoded = (name: string): string => Buffer.from(name).toString()
const asRead = (given: readonly Packable[]) =>
  given.map(({ key, value, headers, timestamp }) => ({
    key: typeof key === 'string' ? Buffer.from(key) : key,
    value,
    headers: headers.map(([name, content]) => [decoded(name), content]),
    timestamp,
  }))

/** What a restore finds of changes in the changelog. */
function changesRead(task: string, changes: readonly StateChange[]): readonly StateChange[] | undefined {
  const stored = read(new PackedChanges(task, changes, 1).records)
  return changesIn(stored.map((own) => ({ ...own, topic: 't', partition: 0, offset: 0n }))).get(task)
}

it('records are read from a batch as they were packed', () => {
  fc.assert(fc.property(records, (given) => void expect(read(PackedRecords.of(given))).toEqual(asRead(given))))
})

it('so are those of several, of a part, and some of them, known by what they were', () => {
  const parts = fc.array(records, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(parts, fc.nat(), fc.nat(), (given, one, other) => {
      const all = given.flat()
      let place = 0
      const packed = PackedRecords.together(
        given.map((own) =>
          PackedRecords.of(
            own,
            own.map(() => place++),
          ),
        ),
      )
      const [from, to] = [one % all.length, other % all.length].toSorted((a, b) => a - b) as [number, number]
      const part = packed.slice(from, to + 1)
      expect(read(part)).toEqual(asRead(all.slice(from, to + 1)))
      const few = [...new Set([0, to - from])]
      expect(read(part.only(few))).toEqual(asRead(few.map((at) => all[from + at]!)))
      expect(few.map((_, at) => part.only(few).placeAt(at))).toEqual(few.map((at) => from + at))
    }),
  )
})

it('text may take more bytes than it has characters, so that its length takes more as well', () => {
  const texts = [31, 32, 40, 63, 64, 4_095, 4_096, 5_000, 8_191].map((length) => 'é'.repeat(length))
  const given = texts.map((key): Packable => ({ key, value: Buffer.from('v'), headers: [[key, null]], timestamp: 1 }))
  expect(read(PackedRecords.of(given))).toEqual(asRead(given))
  const changes = texts.map((key) => ({ store: 's', key, value: Buffer.from(key) }))
  expect(changesRead('0', changes)).toEqual(changes)
})

it('what could not be packed leaves nothing in what is packed next', () => {
  const good: Packable = { key: 'k', value: Buffer.from('v'), headers: [], timestamp: 1 }
  const bad: Packable = { ...good, headers: [['name', 7 as unknown as Buffer]] }
  expect(() => PackedRecords.of([bad])).toThrow()
  expect(read(PackedRecords.of([good, good]))).toEqual(asRead([good, good]))
  const change = { store: 's', key: 'k', value: Buffer.from('v') }
  expect(() => new PackedChanges('0', [change, { ...change, key: 7 as unknown as string }], 1)).toThrow()
  expect(changesRead('0', [change])).toEqual([change])
})

it('changes are what they were when they are looked at, and in the changelog', () => {
  const change = fc.record({ store: fc.constantFrom('one', 'two'), key: text.map(decoded), value: fc.option(bytes) })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 20 }), (given) => {
      const found: StateChange[] = []
      new PackedChanges('0', given, 1).each((store, key, bytes, start, end) => {
        found.push({ store, key, value: start < 0 ? null : bytes.subarray(start, end) })
      })
      expect(found).toEqual(given)
      expect(changesRead('0', given)).toEqual(given)
    }),
  )
})

it('a copy is the same whether it is given changes as objects or as what was packed', () => {
  const change = fc.record({
    store: fc.constantFrom('one', 'two'),
    key: fc.constantFrom('a', 'b', 'c'),
    value: fc.option(bytes),
  })
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 9 }), { maxLength: 4 }), (units) => {
      const [listed, packed] = [new Unwritten(), new Unwritten()]
      for (const unit of units) {
        listed.add('0', unit)
        packed.add('0', new PackedChanges('0', unit, 1))
      }
      expect([...packed]).toEqual([...listed])
      expect(packed.bytes).toBe(listed.bytes)
    }),
  )
})

it('what is larger than a batch may be is cut, each record once and in order', () => {
  const large = Array.from({ length: 7 }, (_, n): Packable => {
    return { key: String(n), value: Buffer.alloc(n === 3 ? 2_000_000 : 400_000, n), headers: [], timestamp: n }
  })
  const chunks = chunksOf({ topic: 't', partition: 0, records: PackedRecords.of(large) })
  expect(chunks.map(({ records: own }) => own.length)).toEqual([2, 1, 1, 2, 1])
  expect(chunks.flatMap(({ records: own }) => read(own))).toEqual(asRead(large))
  const halves = halvesOf({ topic: 't', partition: 0, records: PackedRecords.of(large) })
  expect(halves.flatMap(({ records: own }) => read(own))).toEqual(asRead(large))
})
