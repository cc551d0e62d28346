import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { StateCopy } from '../../../src/broker/embedded/stateCopy.ts'
import { Changelog, changelogOf } from '../../../src/broker/kafka/changelog.ts'
import { Copies } from '../../../src/broker/kafka/copies.ts'
import { Network } from '../../../src/broker/kafka/network.ts'
import { describeKafka, openTestKafka, testSettings, testConnections } from '../../support/kafka/open.ts'

describeKafka('the local copy of a changelog', () => {
  it('is not taken for complete when its partition was lost while it was being restored', async () => {
    const group = `changelog-${randomUUID()}`
    const broker = await openTestKafka('exactlyOnce')
    const write = (key: string, value: string) => {
      const state = [{ store: 's', key, value: Buffer.from(value) }]
      return broker.commit({ group, task: '0', outputs: [], offsets: [], state, counts: [] })
    }
    const network = new Network(testSettings(), testConnections())
    try {
      await broker.ensureTopics([{ name: changelogOf(group), partitions: 1, compacted: true }])
      await write('a', '1')
      const changelog = new Changelog({ network, isRead: () => true, copies: new Copies(undefined, undefined) })
      await changelog.restore(group, 0)
      await write('b', '2')
      changelog.doubt(group, 0)
      const restoring = changelog.restore(group, 0)
      changelog.forget(group, 0)
      await expect(restoring).rejects.toThrow('another member’s by now')

      await changelog.restore(group, 0)
      const state = changelog.copyOf(group, 0).reader('0')
      expect(['a', 'b'].map((key) => state.get('s', key)?.toString())).toEqual(['1', '2'])
      changelog.close()
    } finally {
      await network.close()
      await broker.close()
    }
  })

  it('is restored whole where there is much, one partition after another, also after one was lost while it waited for its turn', async () => {
    const group = `changelog-${randomUUID()}`
    const broker = await openTestKafka('exactlyOnce')
    const network = new Network(testSettings(), testConnections())
    const directory = await mkdtemp(join(tmpdir(), 'oxbow-changelog-'))
    const count = 110_000
    const write = (task: string, keys: readonly number[], value: Buffer | null) => {
      const state = keys.map((key) => ({ store: 's', key: `key-${key}`, value }))
      return broker.commit({ group, task, outputs: [], offsets: [], state, counts: [] })
    }
    try {
      await broker.ensureTopics([{ name: changelogOf(group), partitions: 2, compacted: true }])
      for (const task of ['0', '1']) {
        await write(task, [...Array(count).keys()], Buffer.from('1'))
        await write(task, [7, 8], Buffer.from('2'))
        await write(task, [8, 9], null)
      }
      const changelog = new Changelog({ network, isRead: () => true, copies: new Copies(directory, undefined) })
      const all = [changelog.restore(group, 0), changelog.restore(group, 1)]
      while (changelog.positions(group).length < 2) await new Promise(setImmediate)
      changelog.forget(group, 1)
      await expect(all[1]).rejects.toThrow('another member’s by now')
      await all[0]
      await changelog.restore(group, 1)
      for (const partition of [0, 1]) {
        const copy = changelog.copyOf(group, partition)
        expect(copy.stores()).toMatchObject([{ task: String(partition), name: 's', entries: count - 2 }])
        const state = copy.reader(String(partition))
        expect([6, 7, 8, 9].map((key) => state.get('s', `key-${key}`)?.toString())).toEqual([
          '1',
          '2',
          undefined,
          undefined,
        ])
      }
      changelog.close()
    } finally {
      await network.close()
      await broker.close()
      await rm(directory, { recursive: true })
    }
  })

  it('is looked at again when something came while it was being restored', async () => {
    const group = `changelog-${randomUUID()}`
    const broker = await openTestKafka('exactlyOnce')
    const network = new Network(testSettings(), testConnections())
    try {
      await broker.ensureTopics([{ name: changelogOf(group), partitions: 1, compacted: true }])
      const changelog = new Changelog({ network, isRead: () => true, copies: new Copies(undefined, undefined) })
      await changelog.restore(group, 0)
      changelog.doubt(group, 0)
      const restoring = changelog.restore(group, 0)
      changelog.doubt(group, 0)
      await restoring
      expect(changelog.isStale(group, 0)).toBe(true)
      changelog.close()
    } finally {
      await network.close()
      await broker.close()
    }
  })

  it('gets the last change of each key alone of all that came since it was complete', async () => {
    const group = `changelog-${randomUUID()}`
    const broker = await openTestKafka('exactlyOnce')
    const network = new Network(testSettings(), testConnections())
    const changed: string[][] = []
    class Watched extends Copies {
      override async open(...args: Parameters<Copies['open']>) {
        const opened = await super.open(...args)
        const change: StateCopy['change'] = (changes, of) => {
          const listed = [...changes].flatMap(([, own]) => ('each' in own ? [] : own))
          changed.push(listed.map(({ key, value }) => `${key}${value?.toString() ?? ''}`))
          opened.state.change(changes, of)
        }
        return { ...opened, state: { ...opened.state, change } }
      }
    }
    const write = (key: string, value: string | null) => {
      const state = [{ store: 's', key, value: value === null ? null : Buffer.from(value) }]
      return broker.commit({ group, task: '0', outputs: [], offsets: [], state, counts: [] })
    }
    try {
      await broker.ensureTopics([{ name: changelogOf(group), partitions: 1, compacted: true }])
      await write('a', '1')
      const changelog = new Changelog({ network, isRead: () => true, copies: new Watched(undefined, undefined) })
      await changelog.restore(group, 0)
      for (const value of ['2', '3', null, '4']) await write('a', value)
      for (const value of ['1', null]) await write('b', value)
      changelog.doubt(group, 0)
      await changelog.restore(group, 0)
      expect(changed.at(-1)).toEqual(['a4', 'b'])
      expect([...changelog.copyOf(group, 0).reader('0').keys('s')]).toEqual(['a'])
      changelog.close()
    } finally {
      await network.close()
      await broker.close()
    }
  })

  it('shows whoever has no part of the group what is committed by now, also of a changelog that was made anew', async () => {
    const group = `changelog-${randomUUID()}`
    let writer = await openTestKafka('exactlyOnce')
    const onlooker = await openTestKafka('exactlyOnce')
    const write = (key: string, value: string) => {
      const state = [{ store: 's', key, value: Buffer.from(value) }]
      return writer.commit({ group, task: '0', outputs: [], offsets: [], state, counts: [] })
    }
    const seen = async () => {
      const state = await onlooker.state(group, '0')
      return [...state.entries('s')].map(([key, value]) => `${key}${value.toString()}`)
    }
    try {
      await write('a', '1')
      expect(await seen()).toEqual(['a1'])
      await write('b', '2')
      await write('a', '3')
      expect(await seen()).toEqual(['a3', 'b2'])
      expect(await onlooker.stores(group)).toMatchObject([{ task: '0', name: 's', entries: 2 }])
      await writer.reset(group, { offsets: [], topics: [] })
      expect(await seen()).toEqual([])
      await writer.close()
      writer = await openTestKafka('exactlyOnce')
      await write('c', '1')
      expect(await seen()).toEqual(['c1'])
    } finally {
      await onlooker.close()
      await writer.close()
    }
  })
})
