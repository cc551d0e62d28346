import { Command } from 'commander'
import type { Broker } from '../broker/broker.ts'
import type { OutputRecord } from '../record/record.ts'
import { topicName } from '../component/fields.ts'
import { openBroker, withConnection, type ConnectionOptions } from './brokerOptions.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { counted } from './output.ts'
import { LineProblem, lineReader, type LineForm } from './producedLine.ts'

interface ProduceOptions extends ConnectionOptions, LineForm {}

/** Records in one commit; what has come in so far is committed sooner when nothing follows at once. */
const recordsPerCommit = 5_000

export const produceCommand = (): Command =>
  withConnection(
    new Command('produce')
      .description('Appends records from stdin to a topic, one a line.')
      .argument('<topic>', 'the topic; the embedded broker creates it with one partition, on Kafka it has to be there')
      .option('--key <text>', 'key of every record')
      .option('--key-field <path>', 'field of the value that holds the key, such as order.id')
      .option('--raw', 'take lines as text: the value byte for byte'),
  )
    .addHelpText(
      'after',
      `
A line is
  - a record, as "oxbow read --json" prints it: an object with "value" (or "valueBase64"), and with nothing but that,
    "key" (or "keyBase64"), "headers", "timestamp" (ISO 8601, or milliseconds since 1970), "partition", "topic" and
    "offset"; the last two are passed over;
  - otherwise any JSON: the value, as it is written.
With --key, --key-field or --raw every line is a value, also an object such as {"value": 7}. A record without a
timestamp gets the time it is produced.
Empty lines are passed over. The first bad line ends it: what stands before it is produced, nothing after it.
Works while a pipeline runs on the same directory.

Examples:
  echo '{"id": 7, "price": 0.4}' | oxbow produce orders.v1 --key-field id
  echo '{"key": "7", "value": {"price": 0.4}, "headers": [["trace", "abc"]]}' | oxbow produce orders.v1
  oxbow read orders.v1 --json | oxbow produce orders.copy`,
    )
    .action(produce)

async function produce(topic: string, options: ProduceOptions): Promise<void> {
  const named = topicName().safeParse(topic)
  if (!named.success) throw new UsageError(`\`${topic}\`: ${named.error.issues[0]!.message}`)
  if (options.keyField !== undefined && (options.key !== undefined || options.raw)) {
    throw new UsageError('--key-field takes the key out of JSON: it goes neither with --key nor with --raw')
  }
  const broker = await openBroker(options, 'append')
  try {
    const produced = await appendLines(broker, topic, options)
    console.error(`${counted(produced, 'record')} produced to ${topic}`)
  } finally {
    await broker.close()
  }
}

async function appendLines(broker: Broker, topic: string, form: LineForm): Promise<number> {
  const readLine = lineReader(topic, form)
  let produced = 0
  let number = 0
  let pending: OutputRecord[] = []
  const commit = async () => {
    const outputs = pending
    pending = []
    if (outputs.length === 0) return
    await broker.commit({ group: 'oxbow.produce', task: '', outputs, offsets: [], state: [], counts: [] })
    produced += outputs.length
  }
  try {
    for await (const lines of linesOf(process.stdin)) {
      for (const line of lines) {
        number++
        const record = readLine(line, Date.now())
        if (record) pending.push(record)
        if (pending.length >= recordsPerCommit) await commit()
      }
      if (process.stdin.readableLength === 0) await commit()
    }
    await commit()
    return produced
  } catch (thrown) {
    if (thrown instanceof LineProblem) {
      await commit()
      throw new CommandFailure(
        `line ${number}: ${thrown.message} (${counted(produced, 'record')} before it produced, nothing from it on)`,
      )
    }
    const { message } = thrown as Error
    throw new CommandFailure(`${message} (${counted(produced, 'record')} produced before that)`)
  }
}

const newline = 10

/** The lines in each chunk of a stream of bytes, without their ends. */
async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer[] = []
  for await (const chunk of input) {
    const lines: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      lines.push(Buffer.concat([...rest, chunk.subarray(start, end)]))
      rest = []
      start = end + 1
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
    yield lines
  }
  if (rest.length > 0) yield [Buffer.concat(rest)]
}
