import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { unique, unit, type Setting } from './setting.ts'

/** State is committed with its unit and read in order. */
export function stateContract(current: () => Setting): void {
  describe('state', () => {
    let broker: Broker
    let group: string
    beforeEach(() => {
      ;({ broker, group } = current())
    })
    const put = (key: string, value: string | null, store = 'store') => ({
      store,
      key,
      value: value === null ? null : Buffer.from(value),
    })

    it('is apart for each group, task and store', async () => {
      await broker.commit(unit(group, { state: [put('k', 'mine')] }))
      expect((await broker.state(group, '0')).get('store', 'k')).toEqual(Buffer.from('mine'))
      expect((await broker.state(group, '1')).get('store', 'k')).toBeUndefined()
      expect((await broker.state(group, '0')).get('other', 'k')).toBeUndefined()
      expect((await broker.state(unique('other'), '0')).get('store', 'k')).toBeUndefined()
    })

    it('is replaced, deleted by null, and empty values are values', async () => {
      await broker.commit(unit(group, { state: [put('a', '1'), put('b', '1'), put('c', '')] }))
      await broker.commit(unit(group, { state: [put('a', '2'), put('b', null), put('none', null)] }))
      const entries = [...(await broker.state(group, '0')).entries('store')]
      expect(entries).toEqual([
        ['a', Buffer.from('2')],
        ['c', Buffer.alloc(0)],
      ])
    })

    it('takes the last of several changes to a key', async () => {
      await broker.commit(unit(group, { state: [put('a', '1'), put('a', null), put('a', '3'), put('b', null)] }))
      expect([...(await broker.state(group, '0')).entries('store')]).toEqual([['a', Buffer.from('3')]])
    })

    it('gives the entries of a range in the order of their UTF-8 bytes', async () => {
      const keys = ['', 'a', 'a\0', 'ab', 'b', 'é', 'ß', '\uffee', '😀']
      await broker.commit(unit(group, { state: keys.toReversed().map((key) => put(key, key)) }))
      const inOrder = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      const state = await broker.state(group, '0')
      const found = (from?: string, to?: string) => {
        const keys = [...state.entries('store', from, to)].map(([key]) => key)
        expect([...state.keys('store', from, to)]).toEqual(keys)
        return keys
      }
      expect(found()).toEqual(inOrder)
      expect(found('a', 'b')).toEqual(['a', 'a\0', 'ab'])
      expect(found('b')).toEqual(inOrder.slice(4))
      expect(found(undefined, 'ab')).toEqual(['', 'a', 'a\0'])
      expect(found('b', 'a')).toEqual([])
    })

    it('is listed by its stores, with how much they hold', async () => {
      expect(await broker.stores(group)).toEqual([])
      await broker.commit(unit(group, { state: [put('a', '1'), put('é', '22'), put('gone', '1', 'empty')] }))
      await broker.commit(unit(group, { state: [put('x', '', 'other'), put('gone', null, 'empty')] }))
      const stores = [
        { task: '0', name: 'other', entries: 1, bytes: 1 },
        { task: '0', name: 'store', entries: 2, bytes: 6 },
      ]
      expect(await broker.stores(group)).toEqual(stores)
      expect(await broker.stores(group, ['0'])).toEqual(stores)
      expect(await broker.stores(group, ['1'])).toEqual([])
    })

    it('can be changed while its entries are read', async () => {
      const keys = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(4, '0'))
      await broker.commit(unit(group, { state: keys.map((key) => put(key, key)) }))
      const found: string[] = []
      for (const [key] of (await broker.state(group, '0')).entries('store')) {
        found.push(key)
        if (found.length % 100 === 0) await broker.commit(unit(group, { state: [put(key, null)] }))
      }
      expect(found).toEqual(keys)
      expect([...(await broker.state(group, '0')).entries('store')]).toHaveLength(990)
    })
  })
}
