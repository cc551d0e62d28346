import { expect, test, vi } from 'vitest'
import { clients, describeKafka } from '../support/kafka/open.ts'
import { createTopics, produce, uniqueName } from '../support/kafka/records.ts'
import { startReplica, type Replica } from '../support/kafka/replica.ts'

const keys = Array.from({ length: 20 }, (_, n) => `k${n}`)

/** Each member of a group of two by itself, once both have taken up their partitions. */
async function settled(group: string, ...replicas: readonly Replica[]): Promise<void> {
  await vi.waitFor(
    async () => {
      const members = await replicas[0]!.broker.members(group)
      const tasks = await Promise.all(replicas.map(async ({ pipeline }) => (await pipeline.status()).shares[0]!))
      expect(members.map(({ partitions }) => new Set(partitions.map((each) => each.partition)).size)).toEqual([2, 2])
      expect(tasks.map(({ tasks, member }) => [tasks.length, member !== undefined])).toEqual([
        [2, true],
        [2, true],
      ])
    },
    { timeout: 30_000, interval: 100 },
  )
}

describeKafka.each(clients)('the state of a group of two, by %s', (client) => {
  test('is told by each of them, whoever has it', { timeout: 60_000 }, async () => {
    const group = uniqueName('asked')
    await createTopics(4, `${group}.in`, `${group}.out`)
    const config = `
name: ${group}
sources: { ${group}.in: { topic: {} } }
streams: { s: { from: ${group}.in, steps: [{ aggregate: { into: { n: count } } }], to: { topic: ${group}.out } } }
`
    const first = await startReplica(config, { client })
    const second = await startReplica(config, { client })
    await settled(group, first, second)
    await produce(
      `${group}.in`,
      4,
      keys.map((key) => ({ key, value: {} })),
    )
    await vi.waitFor(
      async () => {
        const { status, body } = await first.get('/tables')
        const entries = (body as { entries: number }[]).map((part) => part.entries)
        expect([status, entries.reduce((sum, count) => sum + count, 0)]).toEqual([200, keys.length])
      },
      { timeout: 30_000, interval: 100 },
    )
    for (const { get, pipeline } of [first, second]) {
      const { partitions } = await pipeline.stores({ internal: false })
      const found = await Promise.all(keys.map((key) => get(`/tables/s.aggregate/g=${key}`)))
      expect(found.map(({ status }) => status)).toEqual(keys.map(() => 200))
      expect(found.map(({ body }) => (body as { key: string }).key)).toEqual(keys.map((key) => `g=${key}`))
      const elsewhere = found.filter(({ body }) => !partitions.includes((body as { partition: number }).partition))
      expect(elsewhere.length).toBeGreaterThan(0)
      expect(elsewhere.length).toBeLessThan(keys.length)
      expect(await get('/tables/s.aggregate/none')).toMatchObject({ status: 404, body: { partitions: [0, 1, 2, 3] } })
    }
  })
})
