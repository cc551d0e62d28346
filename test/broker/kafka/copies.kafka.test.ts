import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { openStateCopy } from '../../../src/broker/embedded/stateCopy.ts'
import { Changelog, changelogOf } from '../../../src/broker/kafka/changelog.ts'
import { Copies } from '../../../src/broker/kafka/copies.ts'
import { Network } from '../../../src/broker/kafka/network.ts'
import { describeKafka, openTestKafka, testConnections, testSettings } from '../../support/kafka/open.ts'

describeKafka('a local copy in a file', () => {
  let group: string
  let directory: string
  let broker: Broker
  let network: Network
  beforeEach(async () => {
    group = `copies-${randomUUID()}`
    directory = await mkdtemp(join(tmpdir(), 'oxbow-copies-'))
    broker = await openTestKafka('exactlyOnce')
    network = new Network(testSettings(), testConnections())
    await broker.ensureTopics([{ name: changelogOf(group), partitions: 1, compacted: true }])
  })
  afterEach(async () => {
    await network.close()
    await broker.close()
  })
  const write = (key: string, value: string) => {
    const state = [{ store: 's', key, value: Buffer.from(value) }]
    return broker.commit({ group, task: '0', outputs: [], offsets: [], state, counts: [] })
  }
  const file = () => join(directory, 'state', group, '0.db')
  const warnings: string[] = []
  const notes = { info: () => {}, warn: (_: object, message: string) => void warnings.push(message) }
  const open = () => new Changelog({ network, isRead: () => true, copies: new Copies(directory, notes) })
  const restored = async () => {
    const changelog = open()
    await changelog.restore(group, 0)
    const entries = [...changelog.copyOf(group, 0).reader('0').entries('s')].map(([key, value]) => [
      key,
      value.toString(),
    ])
    changelog.close()
    return Object.fromEntries(entries) as object
  }

  it('is restored from where it had come, and no more', async () => {
    await write('a', '1')
    await write('b', '1')
    expect(await restored()).toEqual({ a: '1', b: '1' })
    const copy = openStateCopy({ file: file(), now: Date.now })
    copy.change(new Map([['0', [{ store: 's', key: 'a', value: Buffer.from('mark') }]]]))
    copy.close()
    await write('b', '2')
    await write('c', '1')
    expect(await restored()).toEqual({ a: 'mark', b: '2', c: '1' })
  })

  it('is made anew when the changelog is another one, or the file is damaged', async () => {
    await write('a', '1')
    await restored()
    const copy = openStateCopy({ file: file(), now: Date.now })
    copy.change(new Map(), { topicId: 'another', position: 1 })
    copy.close()
    expect(await restored()).toEqual({ a: '1' })
    expect(warnings.at(-1)).toMatch(/0\.db is of another changelog: it is made anew/)

    const { writeFile } = await import('node:fs/promises')
    await writeFile(file(), Buffer.alloc(20_000, 'garbage'))
    expect(await restored()).toEqual({ a: '1' })
    expect(warnings.at(-1)).toMatch(/0\.db is damaged: it is made anew/)
  })

  it('gets what its units commit, so that nothing is left to restore', async () => {
    const changelog = open()
    await changelog.restore(group, 0)
    const unit = (key: string) => ({
      group,
      task: '0',
      outputs: [],
      offsets: [],
      state: [{ store: 's', key, value: Buffer.from('1') }],
      counts: [],
    })
    changelog.apply([unit('a'), unit('b')], () => 7)
    changelog.close()
    const copy = openStateCopy({ file: file(), now: Date.now })
    expect(copy.found?.position).toBe(7)
    expect([...copy.reader('0').entries('s')].map(([key]) => key)).toEqual(['a', 'b'])
    copy.close()
  })
})
