import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { clients, describeKafka } from '../../support/kafka/open.ts'
import { createTopics, produce, uniqueName } from '../../support/kafka/records.ts'
import { startReplica, type Replica } from '../../support/kafka/replica.ts'

const patience = { timeout: 30_000, interval: 100 }
const partitions = 4

const newDirectory = () => mkdtemp(join(tmpdir(), 'oxbow-standby-'))

const configOf = (group: string) => `
name: ${group}
standbyReplicas: 1
sources: { ${group}.in: { topic: {} } }
streams: { s: { from: ${group}.in, steps: [{ aggregate: { into: { n: count } } }], to: { topic: ${group}.out } } }
`

const records = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({ key: `k${from + at}`, value: {} }))

const shareOf = async ({ pipeline }: Replica) => (await pipeline.status()).shares[0]!

/** Waits until each has half of the partitions, and an up-to-date copy of the other half. */
async function balanced(...replicas: readonly Replica[]): Promise<void> {
  await vi.waitFor(async () => {
    const shares = await Promise.all(replicas.map(shareOf))
    for (const { tasks, standbys, member } of shares) {
      expect([tasks.length, standbys.length, member !== undefined]).toEqual([2, 2, true])
      expect(standbys.map(({ lag, failure }) => [lag, failure])).toEqual([
        [0, undefined],
        [0, undefined],
      ])
      expect(standbys.every(({ position }) => position > 0)).toBe(true)
    }
  }, patience)
}

/** Waits until a member counts so many entries in the state of its partitions. */
async function counts(replica: Replica, entries: number): Promise<void> {
  await vi.waitFor(async () => {
    const { stores } = await replica.pipeline.stores({ internal: false })
    expect(stores.reduce((sum, store) => sum + store.entries, 0)).toBe(entries)
  }, patience)
}

describeKafka.each(clients)('standby copies, by %s', (client) => {
  test('take over with what came since, and nothing is served from them before', { timeout: 90_000 }, async () => {
    const group = uniqueName('standby')
    await createTopics(partitions, `${group}.in`, `${group}.out`)
    const config = configOf(group)
    const first = await startReplica(config, { client, directory: await newDirectory() })
    await produce(`${group}.in`, partitions, records(0, 1_000))
    await counts(first, 1_000)
    const second = await startReplica(config, { client, directory: await newDirectory() })
    await balanced(first, second)

    const { tasks } = await shareOf(first)
    const members = await first.broker.members(group)
    expect(
      members.map((member) => [new Set(member.partitions.map((each) => each.partition)).size, member.standbys.length]),
    ).toEqual([
      [2, 2],
      [2, 2],
    ])
    expect((await second.pipeline.stores({ internal: false })).partitions).toHaveLength(2)
    await vi.waitFor(async () => {
      const all = (await second.broker.stores(group)).filter(({ name }) => !name.startsWith('$'))
      expect(all.reduce((sum, { entries }) => sum + entries, 0)).toBe(1_000)
    }, patience) // As a rehearsal copies them.

    await first.stop()
    await vi.waitFor(async () => expect((await shareOf(second)).tasks).toHaveLength(partitions), patience)
    await counts(second, 1_000)
    const takeOvers = second.said.filter(({ message }) => message.startsWith('Took over from a standby copy'))
    expect(takeOvers).toHaveLength(tasks.length)
    for (const { fields } of takeOvers) expect((fields as { records: number }).records).toBeLessThan(100)
    expect((await shareOf(second)).standbys).toEqual([])

    await produce(`${group}.in`, partitions, records(1_000, 100))
    await counts(second, 1_100)
  })
})
