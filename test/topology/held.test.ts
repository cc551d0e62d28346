import { expect, it } from 'vitest'
import { Held } from '../../src/topology/held.ts'
import { Lineage } from '../../src/topology/lineage.ts'

const raw = { topic: 'in', partition: 0, offset: 7n, key: null, value: null, headers: [], timestamp: 0 }

it('a record that leaves and comes back between two commits is forgotten when it leaves for good', () => {
  const held = new Held()
  const lineage = new Lineage('in', raw)
  const part = { node: 's.call', record: { ...raw, value: 1, origin: lineage, index: '' } }

  held.add(part)
  const [kept] = held.take([lineage], [], ['s'])
  held.remove(part)
  held.add(part)
  expect(held.places).toEqual(new Map([['s.call', 1]]))
  held.remove(part)

  expect(held.take([], [lineage], ['s'])).toEqual([
    { store: kept!.store, key: kept!.key, value: null },
    { store: '$lineages', key: lineage.id, value: null },
  ])
})

it('what will be read again is not taken up, and forgotten: it would come back once offsets have passed it', () => {
  const lineage = new Lineage('in', raw)
  const held = new Held()
  held.add({ node: 's.call', record: { ...raw, value: 1, origin: lineage, index: '' } })
  const kept = held.take([lineage], [], ['s'])
  const state = {
    get: () => undefined,
    entries: (store: string) =>
      kept.filter((change) => change.store === store).map(({ key, value }) => [key, value!] as const),
    keys: (store: string) => kept.filter((change) => change.store === store).map(({ key }) => key),
  }

  const next = new Held()
  const restored = next.restore({ state, committed: () => 7n }, ['s'], new Set(['in']))
  expect(restored).toEqual({ parts: [], dead: [], parked: [] })
  expect(next.take([], [], ['s'])).toEqual(
    expect.arrayContaining(kept.map(({ store, key }) => ({ store, key, value: null }))),
  )
  const past = new Held().restore({ state, committed: () => 8n }, ['s'], new Set(['in']))
  expect(past.parts).toHaveLength(1)
})
