import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { output, texts, unique, unit } from '../../contract/broker/setting.ts'
import { pythonWithKafka } from '../../faults/kafka/python.ts'
import { describeKafka, kafkaBrokers, openTestKafka } from '../../support/kafka/open.ts'

const script = join(import.meta.dirname, 'codecs.py')
const run = promisify(execFile)
const librdkafka = async (...args: string[]) => (await run(pythonWithKafka(), [script, ...args])).stdout
const values = Array.from({ length: 50 }, (_, n) => `value ${n} ${'again and '.repeat(20)}`)

describeKafka('what is compressed', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'with %s by Oxbow is read by librdkafka, and the other way round',
    async (compression) => {
      const broker = await openTestKafka('exactlyOnce', { compression })
      const [ours, theirs] = [unique('ours'), unique('theirs')]
      await broker.ensureTopics([ours, theirs].map((name) => ({ name, partitions: 1 })))
      const brokers = kafkaBrokers.join(',')

      const outputs = values.map((value) => output(ours, { value: Buffer.from(value) }))
      await broker.commit(unit(unique('group'), { outputs }))
      expect(JSON.parse(await librdkafka(brokers, ours, 'read', String(values.length)))).toEqual(values)

      await librdkafka(brokers, theirs, 'write', compression, ...values)
      const { records } = await broker.read({ topic: theirs, partition: 0, offset: 0n }, 1_000)
      expect(texts(records)).toEqual(values)
      expect(records[0]).toMatchObject({ key: Buffer.from('k'), headers: [['h', Buffer.from('1')], ['h', null]] }) // prettier-ignore
      await broker.close()
    },
  )
})
