import { expect, it } from 'vitest'
import { incrementNamed, Meter, sumOfMeters } from '../../src/topology/meter.ts'

it('names that never end are counted under one', () => {
  const counts = new Map<string, number>()
  for (let n = 0; n < 1_000; n++) incrementNamed(counts, `reason ${n}`)
  incrementNamed(counts, 'reason 1')
  expect(counts.size).toBe(101)
  expect(counts.get('reason 1')).toBe(2)
  expect(counts.get('other')).toBe(900)
})

it('what several threads counted is added up', () => {
  const [first, second] = [new Meter(), new Meter()]
  for (const meter of [first, second]) {
    meter.node('s.map').received = 3
    meter.node('s.map').dropped.set('late', 1)
    meter.appended.set('in', 2)
    meter.commits = 1
  }
  second.node('s.filter').dead.set('value.bad', 1)
  second.failedPolls.set('in', 4)

  const { nodes, appended, failedPolls, commits } = sumOfMeters([first, structuredClone(second)])
  expect(nodes.get('s.map')).toEqual({
    received: 6,
    emitted: 0,
    retried: 0,
    dropped: new Map([['late', 2]]),
    dead: new Map(),
  })
  expect(nodes.get('s.filter')!.dead).toEqual(new Map([['value.bad', 1]]))
  expect([appended, failedPolls, commits]).toEqual([new Map([['in', 4]]), new Map([['in', 4]]), 2])
})
