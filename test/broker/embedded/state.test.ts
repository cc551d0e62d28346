import { expect, it } from 'vitest'
import { openDatabase } from '../../../src/broker/embedded/database.ts'
import { openState } from '../../../src/broker/embedded/state.ts'

it('a store that was only made in a transaction that was undone is made anew', () => {
  const database = openDatabase(':memory:', 'alone')
  const state = openState(database)
  const change = (store: string) => ({ store, key: 'k', value: Buffer.from(`of ${store}`) })
  const read = (store: string) => state.reader('group', '0').get(store, 'k')?.toString()
  const undone = () =>
    database.write(() => {
      state.change('group', '0', [change('a'), change('b'), change('a')])
      throw new Error('the disk is full')
    })
  expect(undone).toThrow('the disk is full')
  database.write(() => state.change('group', '0', [change('b')]))
  database.write(() => state.change('group', '0', [change('a')]))
  expect(['a', 'b'].map(read)).toEqual(['of a', 'of b'])
  database.close()
})
