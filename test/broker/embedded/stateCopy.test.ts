import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openStateCopy, type StateCopy } from '../../../src/broker/embedded/stateCopy.ts'
import { newDirectory } from './processes.ts'

const hour = 3_600_000
const now = () => 0
const put = (key: string, value: string) => new Map([['0', [{ store: 's', key, value: Buffer.from(value) }]]])
const entriesOf = (copy: StateCopy) => [...copy.reader('0').entries('s')].map(([key, value]) => [key, value.toString()])

it('a copy in a file is found again with how far it had come, as long as its original remembers what was deleted', async () => {
  const file = join(await newDirectory(), 'state', 'g', '0.db')
  const first = openStateCopy({ file, now })
  expect(first.found).toBeUndefined()
  first.change(put('a', '1'), { topicId: 'one', position: 5 })
  first.change(put('a', '2')) // How far that is, nobody knows.
  first.close()

  const second = openStateCopy({ file, now: () => 11 * hour })
  expect(second.found).toEqual({ topicId: 'one', position: 5 })
  expect(entriesOf(second)).toEqual([['a', '2']])
  second.close()
  const third = openStateCopy({ file, now: () => 13 * hour })
  expect(third.found).toBeUndefined()
  third.close()
})

it('a copy that a crash leaves has exactly what it says it has', async () => {
  const directory = await newDirectory()
  const copy = openStateCopy({ file: join(directory, '0.db'), now })
  const count = 120_000
  for (let at = 0; at < count; at += 100) {
    const changes = Array.from({ length: 100 }, (_, n) => ({
      store: 's',
      key: String((at + n) % 7_000),
      value: Buffer.from(String(at + n)),
    }))
    copy.change(new Map([['0', changes]]), { topicId: 'one', position: at + 100 })
  }
  const crashed = await newDirectory()
  await cp(directory, crashed, { recursive: true })
  copy.close()

  const found = openStateCopy({ file: join(crashed, '0.db'), now })
  const { position } = found.found!
  expect(position).toBeGreaterThan(0)
  expect(position).toBeLessThan(count)
  const expected = new Map<string, string>()
  for (let at = 0; at < position; at++) expected.set(String(at % 7_000), String(at))
  expect(new Map(entriesOf(found) as [string, string][])).toEqual(expected)
  found.close()
})

it('a copy that is being filled is after a crash, or closed, what it was when it had been filled last', async () => {
  const directory = await newDirectory()
  const copy = openStateCopy({ file: join(directory, '0.db'), now })
  copy.change(put('a', '1'), { topicId: 'one', position: 1 })
  copy.fill(put('c', '2'))
  copy.fill(put('b', '2'))
  copy.filled({ topicId: 'one', position: 3 })
  const rows = Array.from({ length: 200_000 }, (_, n) => ({ store: 's', key: `x${n}`, value: Buffer.from('3') }))
  copy.fill(new Map([['0', rows]]))
  const crashed = await newDirectory()
  await cp(directory, crashed, { recursive: true })
  copy.close()

  for (const each of [directory, crashed]) {
    const found = openStateCopy({ file: join(each, '0.db'), now })
    expect(found.found).toEqual({ topicId: 'one', position: 3 })
    expect(entriesOf(found)).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '2'],
    ])
    found.close()
  }
})

it('a copy in memory is filled too, and shows it', () => {
  const copy = openStateCopy({ now })
  copy.change(put('a', '1'))
  copy.fill(put('a', '2'))
  copy.fill(new Map([['0', [{ store: 's', key: 'b', value: null }]]]))
  copy.filled()
  expect(entriesOf(copy)).toEqual([['a', '2']])
  copy.change(put('b', '3'))
  expect(entriesOf(copy)).toEqual([
    ['a', '2'],
    ['b', '3'],
  ])
  copy.close()
})

it('a copy is one process’s', async () => {
  const file = join(await newDirectory(), '0.db')
  const copy = openStateCopy({ file, now })
  expect(() => openStateCopy({ file, now })).toThrow(/locked/)
  copy.close()
  openStateCopy({ file, now }).close()
})

it('a change is seen at once, before it is written and after', async () => {
  const copy = openStateCopy({ file: join(await newDirectory(), '0.db'), now })
  const state = copy.reader('0')
  const seen = (key: string) => state.get('s', key)?.toString()
  copy.change(put('b', '1'))
  copy.change(put('a', 'longer'))
  copy.change(put('b', '2'))
  expect([seen('a'), seen('b'), seen('c')]).toEqual(['longer', '2', undefined])
  expect(copy.stores()).toEqual([{ task: '0', name: 's', entries: 2, bytes: 9 }])
  copy.change(put('a', 's'))
  copy.change(new Map([['0', [{ store: 's', key: 'b', value: null }]]]))
  expect([seen('a'), seen('b')]).toEqual(['s', undefined])
  expect(entriesOf(copy)).toEqual([['a', 's']])
  expect([seen('a'), seen('b')]).toEqual(['s', undefined])
  copy.close()
})

it('values of any size, and changes in any number, are those that were given last', () => {
  const copy = openStateCopy({ now })
  const expected = new Map<string, string>()
  for (let at = 0; at < 30_000; at++) {
    const [key, value] = [`k${(at * 7) % 997}`, String(at).repeat(at % 61)]
    copy.change(put(key, at % 100 === 0 ? value.repeat(3_000) : value))
    expected.set(key, at % 100 === 0 ? value.repeat(3_000) : value)
  }
  for (const [key, value] of expected) expect(copy.reader('0').get('s', key)!.toString() === value).toBe(true)
  expect(new Map(entriesOf(copy) as [string, string][])).toEqual(expected)
  copy.close()
})

it('a copy that cannot be written is closed, and says so to whoever reads what was to be written first', async () => {
  const file = join(await newDirectory(), '0.db')
  const copy = openStateCopy({ file, now })
  copy.change(put('a', '1'), { topicId: 'one', position: 5 })
  copy.close()
  const broken = openStateCopy({ file, now })
  const state = broken.reader('0')
  broken.change(put('b', '2'), { topicId: 'one', position: 6 })
  // SQLite takes no lists.
  broken.change(new Map([['0', [{ store: 's', key: [] as unknown as string, value: Buffer.from('3') }]]]))
  expect(broken.isOpen).toBe(true)
  expect(() => entriesOf(broken)).toThrow()
  expect(broken.isOpen).toBe(false)
  expect(() => state.get('s', 'a')).toThrow(/closed/)
  broken.close()
  const found = openStateCopy({ file, now })
  expect([found.found?.position, entriesOf(found)]).toEqual([5, [['a', '1']]])
  found.close()
})

it('a copy that cannot be written at its end is closed all the same, as it was found', async () => {
  const file = join(await newDirectory(), '0.db')
  let clock: () => number = () => 0
  const copy = openStateCopy({ file, now: () => clock() })
  copy.change(put('a', '1'), { topicId: 'one', position: 1 })
  clock = () => {
    throw new Error('no time')
  }
  expect(() => copy.close()).toThrow('no time')
  expect(copy.isOpen).toBe(false)
  const found = openStateCopy({ file, now })
  expect([found.found, entriesOf(found)]).toEqual([undefined, []])
  found.close()
})
