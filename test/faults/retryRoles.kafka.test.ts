import { Kafka, logLevel, type Message } from 'kafkajs'
import { expect, test } from 'vitest'
import { jsonLines, makeDirectory, runOxbow, startOxbow, type Started } from '../cli/oxbow.ts'
import { describeKafka, kafkaBrokers } from '../support/kafka/open.ts'

const events = 4_000
const partitions = 3

/** Half of all tries fail, by chance: each record ends on `out` or, after its fourth, as a letter. */
const pipelineOf = (name: string): string => `name: ${name}
broker: { kafka: { brokers: [${kafkaBrokers.join(', ')}], timeouts: { session: 6s, transaction: 10s } } }
guarantee: exactlyOnce
sources:
  ${name}.in: { topic: {}, partitions: ${partitions} }
deadLetters:
  retry: { attempts: 3, backoff: [200ms, 400ms], topic: '{source}.retry' }
streams:
  s: { from: ${name}.in, steps: [{ use: ./byChance.mjs }], to: { topic: ${name}.out } }
`
const byChance = `export default (value, _, { fail }) =>
  Math.random() < 0.5 ? fail('chance.lost', 'Not this time.', 'retry') : { id: value.id }
`

describeKafka('a pipeline and its retries in two processes', () => {
  test(
    'lose nothing and double nothing when either is killed, as another client counts',
    { timeout: 240_000 },
    async () => {
      const name = `roles-${Date.now()}`
      const directory = makeDirectory({ 'pipeline.yaml': pipelineOf(name), 'byChance.mjs': byChance })
      const start = (role: string) => startOxbow(directory, 'run', 'pipeline.yaml', '--role', role, '--no-http')
      const all = Array.from({ length: events }, (_, id) => id)
      await runOxbow(directory, ['topics', 'pipeline.yaml', '--apply'])

      const kafka = new Kafka({ brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING })
      const running = { main: start('main'), retry: start('retry') }
      await Promise.all(Object.values(running).map((own) => own.printed('Running')))
      const produce = (ids: readonly number[]) =>
        send(
          kafka,
          `${name}.in`,
          ids.map((id) => ({ key: String(id % 50), value: JSON.stringify({ id }) })),
        )
      const kills = ['retry', 'main', 'retry'] as const
      for (const [round, role] of kills.entries()) {
        await produce(all.filter((id) => id % (kills.length + 1) === round))
        await moved(kafka, `${name}.in.retry`)
        await killed(running[role])
        running[role] = start(role)
        await running[role].printed('Running')
      }
      await produce(all.filter((id) => id % (kills.length + 1) === kills.length))
      for (const own of Object.values(running)) own.child.kill('SIGTERM')
      await Promise.all(Object.values(running).map((own) => own.ended))

      const finish = (role: string) =>
        runOxbow(directory, ['run', 'pipeline.yaml', '--role', role, '--until-idle', '--no-http', '--json'])
      expect((await finish('main')).code).toBe(0)
      const { stdout } = await finish('retry')
      const out = await readAll(kafka, `${name}.out`)
      const letters = await readAll(kafka, `dlq.${name}.in`)
      const idsOf = (messages: readonly Message[]) =>
        messages.map(({ value }) => (JSON.parse(String(value)) as { id: number }).id)
      expect([...idsOf(out), ...idsOf(letters)].toSorted((a, b) => a - b)).toEqual(all)
      expect(new Set(letters.map(({ headers }) => String(headers!['dlq.attempts'])))).toEqual(new Set(['4']))
      expect(jsonLines(stdout)).toEqual([
        {
          source: `${name}.in`,
          stream: 's',
          read: events,
          emitted: out.length,
          dropped: 0,
          dead: letters.length,
          inFlight: 0,
        },
      ])
    },
  )
})

async function killed({ child, ended }: Started): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

async function send(kafka: Kafka, topic: string, messages: Message[]): Promise<void> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic, messages })
  await producer.disconnect()
}

const endOf = async (kafka: Kafka, topic: string): Promise<number> => {
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return offsets.reduce((sum, { high }) => sum + Number(high), 0)
}

/** Resolves when something more was written to a topic. */
async function moved(kafka: Kafka, topic: string): Promise<void> {
  const before = await endOf(kafka, topic)
  while ((await endOf(kafka, topic)) <= before) continue
}

/** All that is committed on a topic, up to a last message for each partition that this writes. */
async function readAll(kafka: Kafka, topic: string): Promise<Message[]> {
  const admin = kafka.admin()
  await admin.connect()
  const numbers = (await admin.fetchTopicOffsets(topic)).map(({ partition }) => partition)
  await admin.disconnect()
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic, messages: numbers.map((partition) => ({ partition, value: 'end' })) })
  await producer.disconnect()
  const consumer = kafka.consumer({ groupId: `count-${topic}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const messages: Message[] = []
  await new Promise<void>((resolve) => {
    let ends = 0
    void consumer.run({
      eachMessage: async ({ message }) => {
        if (String(message.value) !== 'end') messages.push(message)
        else if (++ends === numbers.length) resolve()
      },
    })
  })
  await consumer.disconnect()
  return messages
}
