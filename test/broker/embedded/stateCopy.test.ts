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

it('a copy is one process’s', async () => {
  const file = join(await newDirectory(), '0.db')
  const copy = openStateCopy({ file, now })
  expect(() => openStateCopy({ file, now })).toThrow(/locked/)
  copy.close()
  openStateCopy({ file, now }).close()
})
