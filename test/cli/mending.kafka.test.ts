import { setTimeout } from 'node:timers/promises'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
  type Admin,
} from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { unique } from '../contract/broker/setting.ts'
import { createTopic } from '../support/kafka/admin.ts'
import { describeKafka } from '../support/kafka/open.ts'
import { startSecureNode, type SecureNode } from '../support/kafka/secure.ts'
import { makeDirectory, runOxbow, startOxbow, type Started } from './oxbow.ts'

/** What Kafka cannot heal by itself: the task stops, says what to do, and goes on when it is done; others never notice. */
describeKafka('a pipeline on Kafka', () => {
  let node: SecureNode
  let kafka: Kafka
  let admin: Admin
  beforeAll(async () => {
    node = await startSecureNode()
    kafka = new Kafka({ brokers: node.cluster.bootstrap, logLevel: logLevel.NOTHING })
    admin = kafka.admin()
    await admin.connect()
  }, 120_000)
  afterAll(async () => {
    await admin.disconnect()
    node.cluster.kill()
  })

  /** Two sub-topologies of one partition each. */
  const config = (name: string): string => `
name: ${name}
broker:
  kafka:
    brokers: ["${node.sasl}"]
    sasl: { mechanism: plain, username: ${node.username}, password: ${node.password} }
    timeouts: { session: 6s, heartbeat: 500ms, transaction: 8s, request: 3s, delivery: 1500ms }
sources:
  ${name}.a: { topic: {}, partitions: 1 }
  ${name}.b: { topic: {}, partitions: 1 }
deadLetters: { retry: { attempts: 0 } }
streams:
  a: { from: ${name}.a, steps: [{ filter: record.n >= 0 }], to: { topic: ${name}.a.out } }
  b: { from: ${name}.b, steps: [{ filter: record.n >= 0 }], to: { topic: ${name}.b.out } }
`

  interface Running {
    readonly name: string
    readonly started: Started
    produce(source: 'a' | 'b', ...values: readonly object[]): Promise<void>
    /** Resolves with the values of a topic once there are so many. */
    read(topic: string, count: number): Promise<string[]>
  }

  async function run(): Promise<Running> {
    const name = unique('mend')
    const directory = makeDirectory({ 'a.yaml': config(name) })
    const started = startOxbow(directory, 'run', 'a.yaml', '--no-http')
    await started.printed('Running')
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    return {
      name,
      started,
      produce: async (source, ...values) => {
        const messages = values.map((value) => ({ value: JSON.stringify(value) }))
        await producer.send({ topic: `${name}.${source}`, messages })
      },
      read: async (topic, count) => {
        const words = ['read', topic, '--kafka', node.cluster.bootstrap.join(','), '--json']
        for (const deadline = Date.now() + 40_000; ; await setTimeout(200)) {
          const { stdout } = await runOxbow(directory, words)
          const lines = stdout.split('\n').filter((line) => line !== '')
          if (lines.length >= count || Date.now() > deadline)
            return lines.map((line) => JSON.stringify((JSON.parse(line) as { value: unknown }).value))
        }
      },
    }
  }

  const acl = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) => ({
    resourceType,
    resourceName,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:alice',
    host: '*',
    operation,
    permissionType: AclPermissionTypes.DENY,
  })

  async function forbid(entry: ReturnType<typeof acl>): Promise<void> {
    await admin.createAcls({ acl: [entry, { ...entry, principal: 'User:*', permissionType: AclPermissionTypes.ALLOW, operation: AclOperationTypes.ALL }] }) // prettier-ignore
  }

  async function allow({ resourceType, resourceName, resourcePatternType }: ReturnType<typeof acl>): Promise<void> {
    const filter = { resourceType, resourceName, resourcePatternType, operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY } // prettier-ignore
    await admin.deleteAcls({ filters: [filter] })
  }

  it('stops the task whose output topic was deleted, and goes on when it is made again', async () => {
    const { name, started, produce, read } = await run()
    await produce('a', { n: 1 })
    expect(await read(`${name}.a.out`, 1)).toEqual(['{"n":1}'])
    await admin.deleteTopics({ topics: [`${name}.a.out`] })
    await produce('a', { n: 2 })
    await produce('b', { n: 3 })
    await started.printed(`Create it (\`oxbow topics`)
    expect(await read(`${name}.b.out`, 1)).toEqual(['{"n":3}'])
    await createTopic(admin, `${name}.a.out`)
    expect(await read(`${name}.a.out`, 1)).toEqual(['{"n":2}'])
  })

  it('reads a source topic that was made again from its start', async () => {
    const { name, started, produce, read } = await run()
    await produce('a', { n: 1 }, { n: 2 }, { n: 3 })
    expect(await read(`${name}.a.out`, 3)).toHaveLength(3)
    await admin.deleteTopics({ topics: [`${name}.a`] })
    await started.printed(`no partition 0 of ${name}.a any more. Create it again`)
    await createTopic(admin, `${name}.a`)
    await produce('a', { n: 4 }, { n: 5 }, { n: 6 }, { n: 7 })
    expect((await read(`${name}.a.out`, 7)).slice(3)).toEqual(['{"n":4}', '{"n":5}', '{"n":6}', '{"n":7}'])
    await produce('b', { n: 8 })
    expect(await read(`${name}.b.out`, 1)).toEqual(['{"n":8}'])
  })

  describe('that lost a right', () => {
    const { TOPIC, GROUP } = AclResourceTypes
    const { READ, WRITE } = AclOperationTypes

    it('to write a dead-letter topic, stops there, keeps the letter, and writes it when it has the right again', async () => {
      const { name, started, produce, read } = await run()
      const right = acl(TOPIC, `dlq.${name}.a`, WRITE)
      await forbid(right)
      await produce('a', { n: '?' }, { n: 1 })
      await produce('b', { n: 2 }, { n: '!' })
      await started.printed('TOPIC_AUTHORIZATION_FAILED. Give the principal Read, Write and Describe on the topic')
      expect(await read(`${name}.b.out`, 1)).toEqual(['{"n":2}'])
      expect(await read(`dlq.${name}.b`, 1)).toEqual(['{"n":"!"}'])
      expect(await runOxbow('.', ['read', `${name}.a.out`, '--kafka', node.cluster.bootstrap.join(',')])).toMatchObject({ stdout: '' }) // prettier-ignore
      await allow(right)
      expect(await read(`dlq.${name}.a`, 1)).toEqual(['{"n":"?"}'])
      expect(await read(`${name}.a.out`, 1)).toEqual(['{"n":1}'])
    })

    it('to read a source, says so, and goes on when it has the right again', async () => {
      const { name, started, produce, read } = await run()
      const right = acl(TOPIC, `${name}.a`, READ)
      await forbid(right)
      await produce('a', { n: 1 })
      await started.printed('TOPIC_AUTHORIZATION_FAILED. Give the principal')
      await produce('b', { n: 2 })
      expect(await read(`${name}.b.out`, 1)).toEqual(['{"n":2}'])
      await allow(right)
      expect(await read(`${name}.a.out`, 1)).toEqual(['{"n":1}'])
    })

    it('to its group, says so, and goes on when it has the right again', async () => {
      const { name, started, produce, read } = await run()
      const right = acl(GROUP, name, READ)
      await forbid(right)
      await produce('a', { n: 1 })
      await started.printed('GROUP_AUTHORIZATION_FAILED. Give the principal Read on the group')
      await allow(right)
      expect(await read(`${name}.a.out`, 1)).toEqual(['{"n":1}'])
    })

    it('is found by check --broker before it runs', async () => {
      const name = unique('mend')
      const directory = makeDirectory({ 'a.yaml': config(name) })
      await runOxbow(directory, ['topics', 'a.yaml', '--apply'])
      const rights = [
        acl(TOPIC, `dlq.${name}.a`, WRITE),
        acl(TOPIC, `${name}.b`, AclOperationTypes.DESCRIBE),
        acl(GROUP, name, READ),
      ]
      for (const right of rights) await forbid(right)
      const { code, stderr } = await runOxbow(directory, ['check', 'a.yaml', '--broker'])
      for (const right of rights) await allow(right)
      expect(code).toBe(2)
      expect(stderr).toMatch(new RegExp(`^a\\.yaml:9:\\d+: topic \`dlq\\.${name}\\.a\`: the principal lacks Write on it; give it that$`, 'm')) // prettier-ignore
      expect(stderr).toMatch(new RegExp(`^a\\.yaml:10:\\d+: topic \`${name}\\.b\`: the principal must not even see it`, 'm')) // prettier-ignore
      expect(stderr).toMatch(new RegExp(`^a\\.yaml:2:7: group \`${name}\`: the principal lacks Read`, 'm'))
      expect(await runOxbow(directory, ['check', 'a.yaml', '--broker'])).toMatchObject({ code: 0 })
    })
  })
})
