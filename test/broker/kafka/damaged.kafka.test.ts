import type { Connection } from '@platformatic/kafka'
import { expect, it } from 'vitest'
import { AssignedPartition } from '../../../src/broker/kafka/assigned.ts'
import { Network } from '../../../src/broker/kafka/network.ts'
import { fetch, type FetchedPartition } from '../../../src/broker/kafka/protocol.ts'
import { fetchEach } from '../../../src/broker/kafka/reader.ts'
import { takeFrom } from '../../../src/broker/kafka/take.ts'
import { output, texts, unique, unit } from '../../contract/broker/setting.ts'
import { describeKafka, openTestKafka, testConnections, testSettings } from '../../support/kafka/open.ts'

/** Changes a byte of what comes from partition 1, in the batch of an offset. */
class Damaging extends Network {
  readonly #offset: bigint

  constructor(offset: bigint) {
    super(testSettings(), testConnections())
    this.#offset = offset
  }

  override async call<A extends unknown[], R>(
    id: number,
    api: { async(connection: Connection, ...args: A): Promise<R> },
    ...args: A
  ): Promise<R> {
    const answer = await super.call(id, api, ...args)
    if ((api as unknown) !== fetch) return answer
    const { bytes } = (answer as FetchedPartition[]).find(({ partition }) => partition === 1)!
    for (let start = 0; start < bytes.length; start += 12 + bytes.readInt32BE(start + 8)) {
      if (bytes.readBigInt64BE(start) === this.#offset) bytes[start + 12 + bytes.readInt32BE(start + 8) - 1]! ^= 1
    }
    return answer
  }
}

const limits = { maxWait: 500, maxBytes: 1_000_000, partitionBytes: 1_000_000 }

describeKafka('what came damaged from one partition', () => {
  /** Two records in each of two partitions, each in a batch of its own. */
  async function written(): Promise<string> {
    const broker = await openTestKafka('atLeastOnce')
    const topic = unique('topic')
    await broker.ensureTopics([{ name: topic, partitions: 2 }])
    for (const value of ['first', 'second']) {
      const outputs = [0, 1].map((partition) => output(topic, { partition, value: Buffer.from(value) }))
      await broker.commit(unit(unique('writer'), { outputs }))
    }
    await broker.close()
    return topic
  }

  async function fetched(offset: bigint) {
    const topic = await written()
    const network = new Damaging(offset)
    try {
      const [leader] = (await network.leaders(topic))!
      return await fetchEach(network, leader!, [0, 1].map((partition) => ({ topic, partition, offset: 0 })), limits) // prettier-ignore
    } finally {
      await network.close()
    }
  }

  it('fails that partition, and leaves the others as they are', async () => {
    const [whole, damaged] = (await fetched(0n)).toSorted((a, b) => a.partition - b.partition)
    expect(whole).toMatchObject({ partition: 0, next: 2 })
    expect(damaged).toMatchObject({ partition: 1, failure: { message: expect.stringContaining('wrong checksum') } })
  })

  it('does not keep back what comes before it', async () => {
    const [whole, damaged] = (await fetched(1n)).toSorted((a, b) => a.partition - b.partition)
    expect(whole).toMatchObject({ partition: 0, next: 2 })
    expect(damaged).toMatchObject({ partition: 1, next: 1 })
  })

  it('does not lose what was taken from another at the same time', async () => {
    const answers = (await fetched(-1n)).toSorted((a, b) => a.partition - b.partition)
    const own = answers.map((each) => {
      if ('failure' in each) throw each.failure
      const partition = new AssignedPartition(each, 0, 0)
      const [first, ...others] = each.batches
      const records = () => {
        throw new Error('incorrect data check')
      }
      partition.keep(each.partition === 0 ? each : { ...each, batches: [{ ...first!, records }, ...others] }, 0)
      return partition
    })
    const failed: unknown[] = []
    const batches = takeFrom(own, 10, 0, (partition, { message }) => failed.push([partition, message]))
    expect(batches.map(({ partition, records }) => [partition, texts(records)])).toEqual([[0, ['first', 'second']]])
    expect(failed).toEqual([[own[1], 'incorrect data check']])
    expect(own.map(({ position, fetchFrom }) => [position, fetchFrom])).toEqual([[2, 2], [0, 0]]) // prettier-ignore
  })
})
