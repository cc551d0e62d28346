import { expect, it } from 'vitest'
import { memoryState } from '../../src/component/state.ts'
import { encode } from '../../src/topology/encoded.ts'
import { StagedState } from '../../src/topology/staged.ts'

/** What the broker has, for the one store "s". */
function stateOver(committed: { readonly [key: string]: unknown }) {
  const kept = memoryState()
  for (const [key, value] of Object.entries(committed)) kept.set(key, encode(value))
  const state = new StagedState({
    get: (_, key) => kept.get(key) as Buffer | undefined,
    entries: (_, from, to) => kept.entries(from, to) as Iterable<readonly [string, Buffer]>,
    keys: (_, from, to) => kept.keys(from, to),
  })
  return { state, store: state.store('s') }
}

it('what was changed is read back while its unit is being committed, and can be changed once more', () => {
  const { state, store } = stateOver({ a: 1, b: 2, c: 3 })
  store.set('a', 10)
  store.delete('b')
  store.set('d', 4)
  expect(state.take()).toHaveLength(3)

  const seen = () => [...store.entries()]
  expect([store.get('a'), store.get('b'), store.get('d')]).toEqual([10, undefined, 4])
  expect(seen()).toEqual([
    ['a', 10],
    ['c', 3],
    ['d', 4],
  ])
  store.set('b', 20)
  store.set('a', null)
  expect(store.get('a')).toBeNull()
  store.set('a', 10)
  store.delete('d')
  expect(seen()).toEqual([
    ['a', 10],
    ['b', 20],
    ['c', 3],
  ])
  expect(state.take().map(({ key }) => key)).toEqual(['b', 'a', 'd'])
})

it('what a failing call changed is as it was before, also where that is being committed', () => {
  const { state, store } = stateOver({ a: 1 })
  store.set('a', 10)
  state.take()
  const fails = () =>
    state.attempt(
      (value) => store.set('a', value),
      11,
      () => false,
    )
  fails()
  expect(store.get('a')).toBe(10)
  store.set('a', 12)
  fails()
  expect(store.get('a')).toBe(12)
})
