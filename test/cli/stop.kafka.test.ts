import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka, logLevel } from 'kafkajs'
import { Cluster } from '../support/kafka/cluster.ts'
import { describeKafka } from '../support/kafka/open.ts'
import { uniqueName } from '../support/kafka/records.ts'
import { jsonLines, makeDirectory, runOxbow, startOxbow } from './oxbow.ts'

describeKafka('SIGTERM while all of Kafka is away', { timeout: 180_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
  }, 120_000)
  afterAll(() => cluster.kill())

  test.each([
    ['1', 'exactlyOnce'],
    ['2', 'atLeastOnce'],
  ])(
    'with %s threads, %s, the work in hand is given up within seconds, and nothing is lost',
    async (threads, guarantee) => {
      const name = uniqueName('away')
      const config = `
name: ${name}
broker: { kafka: { brokers: ${JSON.stringify(cluster.bootstrap)} } }
guarantee: ${guarantee}
sources:
  ${name}.in: { topic: {}, partitions: 2 }
streams:
  s: { from: ${name}.in, to: { topic: ${name}.out } }
`
      const directory = makeDirectory({ 'p.yaml': config })
      const started = startOxbow(directory, 'run', 'p.yaml', '--no-http', '--json', '--threads', threads)
      await started.printed('Running')
      const kafka = new Kafka({ brokers: cluster.bootstrap, logLevel: logLevel.NOTHING })
      const producer = kafka.producer({ idempotent: true })
      await producer.connect()
      const messages = Array.from({ length: 20_000 }, (_, n) => ({ key: String(n), value: `{"n":${n}}` }))
      await producer.send({ topic: `${name}.in`, messages })
      await producer.disconnect()
      await cluster.nodes[0]!.stopped()

      const [from] = [performance.now(), started.child.kill('SIGTERM')]
      const { code, stderr } = await started.ended
      expect(performance.now() - from).toBeLessThan(30_000)
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/9 s after SIGTERM the work in hand .* is given up: Kafka/),
      ])
      expect(stderr).toContain('the next start goes on from the last commit')

      cluster.nodes[0]!.start()
      await cluster.ready()
      const words = ['run', 'p.yaml', '--until-idle', '--no-http', '--json']
      const again = await runOxbow(directory, words)
      expect([again.code, jsonLines(again.stdout)], again.stderr).toMatchObject([0, [{ read: 20_000, inFlight: 0 }]])
      const read = await runOxbow(directory, ['read', `${name}.out`, '--kafka', cluster.bootstrap.join(','), '--json'])
      const found = (jsonLines(read.stdout) as { value: { n: number } }[]).map(({ value }) => value.n)
      const once = guarantee === 'exactlyOnce' ? found : [...new Set(found)]
      expect(once.toSorted((a, b) => a - b)).toEqual(messages.map((_, n) => n))
    },
  )
})
