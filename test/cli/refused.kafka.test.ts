import { expect, test } from 'vitest'
import { createTopic, openAdmin } from '../support/kafka/admin.ts'
import { describeKafka, guarantees, kafkaBrokers } from '../support/kafka/open.ts'
import { produce, uniqueName } from '../support/kafka/records.ts'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'

const config = (name: string, guarantee: string): string => `
name: ${name}
broker: { kafka: { brokers: ${JSON.stringify(kafkaBrokers)}, timeouts: { session: 6s, heartbeat: 500ms } } }
guarantee: ${guarantee}
sources:
  ${name}.in: { topic: {}, partitions: 2 }
streams:
  s:
    from: ${name}.in
    steps:
      - map: { n: record.n, text: "record.n % 50 == 7 ? '${'x'.repeat(900)}' : 'y'" }
    to:
      - topic: ${name}.small
      - topic: ${name}.timely
`

const anyTime = { 'message.timestamp.after.max.ms': '9223372036854775807' }

interface Read {
  readonly headers: readonly (readonly [string, string | null])[]
  readonly value: { readonly n: number }
}

describeKafka.each(guarantees)(
  'run with topics that do not take every record, %s',
  { timeout: 60_000 },
  (guarantee) => {
    test('dead-letters what they refuse, and writes all the rest', async () => {
      const name = uniqueName('refused')
      const admin = await openAdmin()
      await createTopic(admin, `${name}.in`, anyTime, 2)
      await createTopic(admin, `${name}.small`, { 'max.message.bytes': '600', ...anyTime }, 2)
      await createTopic(admin, `${name}.timely`, { 'message.timestamp.after.max.ms': '3600000' }, 2)
      const messages = Array.from({ length: 1_000 }, (_, n) => ({
        key: `k${n % 10}`,
        value: { n },
        ...(n % 100 === 33 && { timestamp: '8000000000000' }),
      }))
      await produce(`${name}.in`, 2, messages)
      const directory = makeDirectory({ 'p.yaml': config(name, guarantee) })
      const ended = await runOxbow(directory, ['run', 'p.yaml', '--until-idle', '--no-http', '--json'])
      expect(ended.code, ended.stderr).toBe(0)
      expect(jsonLines(ended.stdout)).toMatchObject([{ read: 1_000, emitted: 970, dropped: 0, dead: 30, inFlight: 0 }])
      expect(ended.stderr).toContain('goes back to its last commit, to dead-letter what is refused for good')
      expect(ended.stderr).not.toContain('"level":"error"')

      const read = async (topic: string) => {
        const { stdout, stderr } = await runOxbow(directory, [
          'read',
          topic,
          '--kafka',
          kafkaBrokers.join(','),
          '--json',
        ])
        expect(stderr).toBe('')
        return jsonLines(stdout) as Read[]
      }
      const numbers = (records: readonly Read[]) => records.map(({ value }) => value.n).toSorted((a, b) => a - b)
      const once = (found: readonly number[]) => (guarantee === 'exactlyOnce' ? found : [...new Set(found)])
      const written = async (topic: string) => once(numbers(await read(topic)))
      const all = messages.map(({ value }) => value.n)
      expect(await written(`${name}.small`)).toEqual(all.filter((n) => n % 50 !== 7))
      expect(await written(`${name}.timely`)).toEqual(all.filter((n) => n % 100 !== 33))
      const letters = await read(`dlq.${name}.in`)
      expect(once(numbers(letters))).toEqual(all.filter((n) => n % 50 === 7 || n % 100 === 33))
      const causes = letters.map(({ headers }) => {
        const [operator, code] = ['dlq.operator', 'dlq.fault.code'].map(
          (key) => headers.find(([own]) => own === key)?.[1],
        )
        return `${operator} ${code}`
      })
      expect(new Set(causes)).toEqual(new Set(['s.to.topic sink.refused', 's.to.topic#2 sink.refused']))
    })
  },
)
