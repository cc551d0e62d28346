import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { openKafka } from '../../../src/broker/kafka/kafka.ts'
import { kafkaSettings } from '../../../src/topology/kafkaConfig.ts'
import { output, texts, unique, unit } from '../../contract/broker/setting.ts'
import { Cluster } from '../../support/kafka/cluster.ts'
import { clients, describeKafka, guarantees } from '../../support/kafka/open.ts'
import { Proxy, type ApiName } from '../../support/kafka/proxy.ts'

/** What happens to a unit when the network fails, on a node of its own behind a proxy. */
describeKafka.each(clients)('a unit on Kafka by %s', (client) => {
  let proxy: Proxy
  let cluster: Cluster
  let broker: Broker | undefined
  beforeAll(async () => {
    proxy = await Proxy.listen()
    cluster = await Cluster.start({ nodes: 1, proxies: [proxy] })
  }, 120_000)
  afterEach(async () => {
    await broker?.close()
    broker = undefined
  })
  afterAll(() => {
    cluster.kill()
    proxy.close()
  })

  async function open(guarantee: (typeof guarantees)[number], delivery: number): Promise<Broker> {
    const timeouts = { request: 3_000, transaction: 10_000, delivery }
    const settings = kafkaSettings({ brokers: [`127.0.0.1:${proxy.port}`], client, timeouts }, '.')
    return (broker = await openKafka({ settings, guarantee }))
  }

  const answers: readonly (readonly [(typeof guarantees)[number], ApiName])[] = [
    ['exactlyOnce', 'AddPartitionsToTxn'],
    ['exactlyOnce', 'Produce'],
    ['exactlyOnce', 'AddOffsetsToTxn'],
    ['exactlyOnce', 'TxnOffsetCommit'],
    ['exactlyOnce', 'EndTxn'],
    ['atLeastOnce', 'Produce'],
    ['atLeastOnce', 'OffsetCommit'],
  ]
  it.each(answers)('with %s is written once when the answer to %s is lost', async (guarantee, api) => {
    const own = await open(guarantee, 20_000)
    const [topic, group] = [unique('topic'), unique('group')]
    await own.ensureTopics([{ name: topic, partitions: 1 }])
    const commit = (n: number) => {
      const offsets = [{ topic, partition: 0, offset: BigInt(n) }]
      const state = [{ store: 's', key: 'n', value: Buffer.from(`${n}`) }]
      return own.commit(unit(group, { outputs: [output(topic, { value: Buffer.from(`${n}`) })], offsets, state }))
    }
    const lost = proxy.lost
    for (let n = 0; n < 6; n++) {
      if (n % 2 === 1) proxy.loseNext(api)
      await commit(n)
    }
    expect(proxy.lost - lost).toBe(3)
    expect(texts((await own.read({ topic, partition: 0, offset: 0n }, 100)).records)).toEqual(['0', '1', '2', '3', '4', '5']) // prettier-ignore
    expect(await own.committed(group)).toEqual([{ topic, partition: 0, offset: 5n }])
    expect((await own.state(group, '0')).get('s', 'n')).toEqual(Buffer.from('5'))
  })

  describe.each(guarantees)('with %s', (guarantee) => {
    it('fails in finite time while the cluster is cut off, says so, and passes afterwards', async () => {
      const own = await open(guarantee, 1_500)
      const [topic, group] = [unique('topic'), unique('group')]
      await own.ensureTopics([{ name: topic, partitions: 1 }])
      const commit = (value: string) =>
        own.commit(unit(group, { outputs: [output(topic, { value: Buffer.from(value) })] }))
      await commit('before')
      proxy.cut()
      await expect(commit('cut off')).rejects.toThrow(/failed|Writing|transaction/)
      proxy.heal()
      await commit('after')
      expect(texts((await own.read({ topic, partition: 0, offset: 0n }, 100)).records)).toEqual(['before', 'after'])
    })
  })
})
