import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { Changelog, changelogOf } from '../../../src/broker/kafka/changelog.ts'
import { Copies } from '../../../src/broker/kafka/copies.ts'
import { Network } from '../../../src/broker/kafka/network.ts'
import { Standbys } from '../../../src/broker/kafka/standbys.ts'
import { describeKafka, openTestKafka, testConnections, testSettings } from '../../support/kafka/open.ts'

const patience = { timeout: 20_000, interval: 20 }

describeKafka('a standby copy', () => {
  let group: string
  let broker: Broker
  let copies: Copies
  let standbys: Standbys
  let said: { readonly fields: object; readonly message: string }[]
  const connect = () => new Network(testSettings(), testConnections())
  const note = (fields: object, message: string) => void said.push({ fields, message })
  const notes = { info: note, warn: note }
  const keepIn = (directory?: string) => {
    copies = new Copies(directory, notes)
    standbys = new Standbys({ connect, copies, notes })
  }
  beforeEach(async () => {
    group = `standby-${randomUUID()}`
    said = []
    broker = await openTestKafka('exactlyOnce')
    await broker.ensureTopics([{ name: changelogOf(group), partitions: 1, compacted: true }])
    keepIn()
  })
  afterEach(async () => {
    await standbys.close()
    copies.closeAll()
    await broker.close()
  })
  const write = (entries: { readonly [key: string]: string | null }) => {
    const state = Object.entries(entries).map(([key, value]) => ({
      store: 's',
      key,
      value: value === null ? null : Buffer.from(value),
    }))
    return broker.commit({ group, task: '0', outputs: [], offsets: [], state, counts: [] })
  }
  const caughtUp = () =>
    vi.waitFor(() => {
      const [own] = standbys.of(group)
      expect(own).toMatchObject({ partition: 0, lag: 0 })
      return own!.position
    }, patience)
  /** What a task finds that takes the partition over, and how many records that took. */
  const takenOver = async () => {
    const network = connect()
    const changelog = new Changelog({ network, isRead: () => true, copies, notes })
    await changelog.restore(group, 0)
    const entries = [...changelog.copyOf(group, 0).reader('0').entries('s')].map(([key, value]) => [
      key,
      value.toString(),
    ])
    changelog.close()
    await network.close()
    const last = said.findLast(({ message }) => message.startsWith('Took over'))
    return { entries: Object.fromEntries(entries) as object, restored: (last?.fields as { records?: number })?.records }
  }

  it('is not shown before it has been whole', async () => {
    const entries = Array.from({ length: 500 }, (_, at): [string, string] => [String(at), 'x'.repeat(4_000)])
    await write(Object.fromEntries(entries))
    standbys.follow(group, [0], new Set())
    const copy = await vi.waitUntil(() => standbys.copyOf(group, 0), { timeout: 20_000, interval: 1 })
    expect([...copy.reader('0').keys('s')]).toHaveLength(500)
  })

  it('in memory is kept up, and left to the task that takes over, which restores what came since', async () => {
    await write({ a: '1', b: '1' })
    standbys.follow(group, [0], new Set())
    const position = await caughtUp()
    await write({ b: '2', a: null, c: '1' })
    await vi.waitFor(() => expect(standbys.of(group)[0]!.position).toBeGreaterThan(position), patience)
    await caughtUp()
    standbys.follow(group, [], new Set([0]))
    await write({ d: '1' })
    expect(await takenOver()).toEqual({ entries: { b: '2', c: '1', d: '1' }, restored: 1 })
  })

  it('goes on from the copy of a task whose partition went to another member', async () => {
    await write({ a: '1' })
    const network = connect()
    const changelog = new Changelog({ network, isRead: () => true, copies, notes })
    await changelog.restore(group, 0)
    // Nobody else has this: it shows which copy it is.
    const state = [{ store: 's', key: 'mark', value: Buffer.from('1') }]
    changelog.apply([{ group, task: '0', state }], () => undefined)
    const [[, position]] = changelog.positions(group) as [[number, number]]
    changelog.forget(group, 0, true)
    await network.close()
    standbys.follow(group, [0], new Set())
    expect(await caughtUp()).toBe(position)
    await write({ b: '1' })
    await vi.waitFor(() => expect(standbys.of(group)[0]!.position).toBeGreaterThan(position), patience)
    standbys.follow(group, [], new Set([0]))
    expect(await takenOver()).toMatchObject({ entries: { a: '1', b: '1', mark: '1' } })
  })

  it('of nobody is closed, and the next one begins anew', async () => {
    await write({ a: '1' })
    standbys.follow(group, [0], new Set())
    await caughtUp()
    standbys.follow(group, [], new Set())
    expect(standbys.of(group)).toEqual([])
    expect(await takenOver()).toEqual({ entries: { a: '1' }, restored: undefined })
  })

  it('that cannot be kept says so once, is tried again, and says when it is kept up', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'oxbow-standby-'))
    const file = join(directory, 'state', group, '0.db')
    await mkdir(file, { recursive: true })
    keepIn(directory)
    await write({ a: '1' })
    standbys.follow(group, [0], new Set())
    await vi.waitFor(() => expect(said).toHaveLength(1), patience)
    expect(said[0]!.message).toMatch(/is not kept up; it is tried again, and no task waits for it: .*0\.db/)
    expect(standbys.of(group)).toEqual([])
    await rmdir(file)
    await caughtUp()
    await vi.waitFor(() => expect(said.at(-1)!.message).toMatch(/is kept up again/), patience)
    expect(said).toHaveLength(2)
  })
})
