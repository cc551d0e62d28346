import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BrokerError, type Broker } from '../../../src/broker/broker.ts'
import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import { output, take, texts, unit } from '../../contract/broker/setting.ts'
import { newDirectory } from './processes.ts'

const hour = 3_600_000
const start = 1_700_000_000_000

describe('the embedded broker', () => {
  let now = start
  let broker: Broker
  beforeEach(async () => {
    now = start
    broker = await openEmbedded({ directory: ':memory:', now: () => now })
  })
  afterEach(() => broker.close())

  const append = (topic: string, ...records: Parameters<typeof output>[1][]): Promise<void> =>
    broker.commit(unit('g', { outputs: records.map((record) => output(topic, record)) }))
  const partitionsOf = async (topic: string) => (await broker.topics()).find(({ name }) => name === topic)!.partitions

  describe('topics', () => {
    it('are made with one partition by the first record, or by who subscribes', async () => {
      await append('written', {})
      await broker.subscribe('g', ['subscribed'])
      expect((await broker.topics()).map(({ name, partitions }) => [name, partitions.length])).toEqual([
        ['subscribed', 1],
        ['written', 1],
      ])
    })

    it('are not left behind by a unit that was refused', async () => {
      const outputs = [output('new'), output('new', { partition: 3 })]
      await expect(broker.commit(unit('g', { outputs }))).rejects.toThrow('partition 3 of new, which has 1')
      expect(await broker.topics()).toEqual([])
    })

    it('have contiguous offsets, across large units too', async () => {
      await append('t', ...Array.from({ length: 3_000 }, () => ({ value: Buffer.alloc(100) })))
      await append('t', ...Array.from({ length: 5 }, () => ({ value: Buffer.alloc(200_000) })))
      const { records, next } = await broker.read({ topic: 't', partition: 0, offset: 2_999n }, 3)
      expect(records.map(({ offset, value }) => [offset, value!.length])).toEqual([
        [2_999n, 100],
        [3_000n, 200_000],
        [3_001n, 200_000],
      ])
      expect(next).toBe(3_002n)
    })

    it('are read in portions that do not fill the memory', async () => {
      await append('t', ...Array.from({ length: 20 }, () => ({ value: Buffer.alloc(1_048_576) })))
      const { records } = await broker.read({ topic: 't', partition: 0, offset: 0n }, 1_000)
      expect(records.length).toBeLessThan(10)
      const subscription = await broker.subscribe('g', ['t'])
      expect(await take(subscription, 20)).toHaveLength(20)
    })

    it('put the records without a key of one unit into one partition', async () => {
      await broker.ensureTopics([{ name: 't', partitions: 3 }])
      for (let n = 0; n < 3; n++) await append('t', {}, {})
      expect((await partitionsOf('t')).map(({ end }) => end)).toEqual([2n, 2n, 2n])
    })
  })

  describe('offsets', () => {
    it.each([
      ['after the end', 2n],
      ['before 0', -1n],
    ])('%s are refused', async (_, offset) => {
      await append('t', {})
      const commit = broker.commit(unit('g', { offsets: [{ topic: 't', partition: 0, offset }] }))
      await expect(commit).rejects.toThrow(`Offset ${offset} cannot be committed for t/0`)
    })

    it('of a topic or partition that does not exist are refused', async () => {
      await append('t', {})
      const commit = (topic: string, partition: number) =>
        broker.commit(unit('g', { offsets: [{ topic, partition, offset: 0n }] }))
      await expect(commit('typo', 0)).rejects.toThrow('no topic "typo". There are: t.')
      await expect(commit('t', 1)).rejects.toThrow('no partition 1')
    })
  })

  describe('retention', () => {
    const keepAnHour = () => broker.ensureTopics([{ name: 't', retention: hour }])

    it('deletes, at a commit, batches whose newest record is too old, and no others', async () => {
      await keepAnHour()
      await append('t', { timestamp: start - 9 * hour }, { timestamp: start })
      await append('t', { timestamp: start + 1 })
      now = start + hour
      await append('t', { timestamp: now })
      expect(await partitionsOf('t')).toEqual([{ partition: 0, start: 0n, end: 4n }])

      now = start + hour + 60_000
      await append('other', {})
      expect(await partitionsOf('t')).toEqual([{ partition: 0, start: 3n, end: 4n }])
    })

    it('may leave nothing, and offsets go on', async () => {
      await keepAnHour()
      await append('t', { timestamp: start }, { timestamp: start })
      now = start + 2 * hour
      await append('other', {})
      expect(await partitionsOf('t')).toEqual([{ partition: 0, start: 2n, end: 2n }])
      await append('t', { timestamp: now })
      const { records } = await broker.read({ topic: 't', partition: 0, offset: 0n }, 10)
      expect(records.map(({ offset }) => offset)).toEqual([2n])
    })

    it('moves those who read to the first record kept', async () => {
      await keepAnHour()
      const subscription = await broker.subscribe('g', ['t'])
      await append('t', { timestamp: start, value: Buffer.from('gone') })
      await append('t', { timestamp: start + 2 * hour, value: Buffer.from('kept') })
      now = start + 2 * hour
      await keepAnHour()
      expect(await subscription.lag()).toMatchObject([{ position: 1n, end: 2n }])
      expect(texts(await take(subscription, 1))).toEqual(['kept'])
    })

    it('ends when it is no longer asked for', async () => {
      await keepAnHour()
      await broker.ensureTopics([{ name: 't' }])
      await append('t', { timestamp: start })
      now = start + 9 * hour
      await append('other', {})
      expect((await partitionsOf('t'))[0]!.start).toBe(0n)
    })

    it('is caught up with when a directory is opened', async () => {
      const directory = await newDirectory()
      const before = await openEmbedded({ directory, now: () => now })
      await before.ensureTopics([{ name: 't', retention: hour }])
      await before.commit(unit('g', { outputs: [output('t', { timestamp: start })] }))
      await before.close()
      const after = await openEmbedded({ directory, now: () => start + 2 * hour })
      expect((await after.topics())[0]!.partitions).toEqual([{ partition: 0, start: 1n, end: 1n }])
      await after.close()
    })
  })

  describe('a poll', () => {
    const signal = new AbortController().signal
    beforeEach(async () => {
      await broker.ensureTopics([{ name: 't', partitions: 3 }])
      for (const partition of [0, 1, 2]) await append('t', ...Array(10).fill({ partition }))
    })

    it('is shared by the partitions that have records', async () => {
      const subscription = await broker.subscribe('g', ['t'])
      const batches = await subscription.poll({ maxRecords: 7, signal })
      expect(batches.map(({ partition, records }) => [partition, records.length])).toEqual([
        [0, 3],
        [1, 2],
        [2, 2],
      ])
    })

    it('begins with another partition each time', async () => {
      const subscription = await broker.subscribe('g', ['t'])
      const partitions: number[] = []
      for (let n = 0; n < 6; n++) {
        const [batch] = await subscription.poll({ maxRecords: 1, signal })
        partitions.push(batch!.partition)
      }
      expect(partitions).toEqual([0, 1, 2, 0, 1, 2])
    })
  })

  describe('a group', () => {
    it('cannot read a topic twice at the same time', async () => {
      const first = await broker.subscribe('g', ['a', 'b'])
      await expect(broker.subscribe('g', ['b', 'c'])).rejects.toThrow(BrokerError)
      await broker.subscribe('g', ['c'])
      await broker.subscribe('h', ['b'])
      await first.close()
      await broker.subscribe('g', ['b'])
    })

    it('gives up its polls when the broker closes', async () => {
      const subscription = await broker.subscribe('g', ['t'])
      const polled = subscription.poll({ maxRecords: 1, signal: new AbortController().signal })
      await broker.close()
      expect(await polled).toEqual([])
    })
  })
})

describe('timers', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'setImmediate'] }))
  afterEach(() => void vi.useRealTimers())

  const timersOfPoll = async (directory: string): Promise<number[]> => {
    const broker = await openEmbedded({ directory })
    const subscription = await broker.subscribe('g', ['t'])
    const stop = new AbortController()
    const polls = [1, 2].map(() => subscription.poll({ maxRecords: 1, signal: stop.signal }))
    const waiting = vi.getTimerCount()
    stop.abort()
    await Promise.all(polls)
    const idle = vi.getTimerCount()
    await broker.close()
    return [waiting, idle]
  }

  it('are not used in memory, so that virtual time can drive it', async () => {
    expect(await timersOfPoll(':memory:')).toEqual([0, 0])
  })

  it('look for other processes in a directory, while someone waits', async () => {
    expect(await timersOfPoll(await newDirectory())).toEqual([1, 0])
  })
})
