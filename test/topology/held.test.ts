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
