import { expect, it } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { catalog } from '../../src/catalog.ts'
import { workOfOthers } from '../../src/cli/run/threads/others.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'

it('what others have under way is told by the counts where they are exact, and only there', async () => {
  const text = 'name: p\nsources: { in: { topic: {} } }\nstreams: { good: { from: in, to: { topic: out } } }\n'
  const plan = resolvePlan(parseConfig(text, 'p.yaml', catalog, {}), catalog)
  const broker = await openEmbedded({ directory: ':memory:' })
  await broker.ensureTopics([{ name: 'in', partitions: 2 }])
  const counts = [{ source: 'in', stream: 'good', read: 1, emitted: 0, dropped: 0, dead: 0 }]
  await broker.commit({ group: 'p', task: '1', outputs: [], offsets: [], state: [], counts })

  const own = [{ topic: 'in', partition: 0 }]
  expect(await workOfOthers(plan, own, broker, true)).toEqual({ unread: false, inFlight: true })
  expect(await workOfOthers(plan, own, broker, false)).toEqual({ unread: false, inFlight: false })
  await broker.close()
})
