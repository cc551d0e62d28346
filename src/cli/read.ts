import { Command, InvalidArgumentError } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker, PartitionInfo } from '../broker/broker.ts'
import { recordAsJson } from '../record/asJson.ts'
import type { StoredRecord } from '../record/record.ts'
import { openBroker, withConnection, type ConnectionOptions } from './brokerOptions.ts'
import { CommandFailure } from './failure.ts'
import { findTopic } from './findTopic.ts'
import { readMerged } from './merge.ts'
import { print } from './output.ts'
import { recordLines } from './recordLines.ts'

interface ReadOptions extends ConnectionOptions {
  readonly from?: bigint
  readonly partition?: number
  readonly limit?: number
  readonly json?: true
  readonly follow?: true
}

/** How long `--follow` waits before it looks for more, in milliseconds. */
const lookEvery = 200

export const readCommand = (): Command =>
  withConnection(
    new Command('read')
      .description('Prints the records of a topic, the oldest first; each partition in its own order.')
      .argument('<topic>', 'the topic')
      .option('--from <offset>', 'start at this offset, in each partition', offset)
      .option('--partition <number>', 'only this partition', wholeNumber)
      .option('--limit <count>', 'end after so many records', wholeNumber)
      .option('--follow', 'wait for more at the end, until interrupted')
      .option('--json', 'one JSON object a line: topic, partition, offset, timestamp, key, headers, value'),
  )
    .addHelpText(
      'after',
      `
With --json, a key that is not UTF-8 is "keyBase64", a value that is not JSON "valueBase64", a header that is not
UTF-8 {"base64": …}; a tombstone's value is null. "oxbow produce" takes these lines back; but for white space around and at
the line ends of JSON, byte for byte.

Examples:
  oxbow read orders.v1 --limit 10
  oxbow read dlq.orders.v1 --json | jq .value
  oxbow read orders.v1 --json | oxbow produce orders.copy
  oxbow read orders.v1 --follow`,
    )
    .action(read)

async function read(name: string, options: ReadOptions): Promise<void> {
  const broker = await openBroker(options, 'read')
  try {
    const format = options.json ? (record: StoredRecord) => `${recordAsJson(record)}\n` : recordLines
    let left = options.limit ?? Infinity
    for await (const chunk of chunksOf(broker, name, options)) {
      const records = chunk.slice(0, Math.min(left, chunk.length))
      left -= records.length
      if (records.length > 0) await print(records.map(format).join(''))
      if (left <= 0) break
    }
  } finally {
    await broker.close()
  }
}

async function* chunksOf(
  broker: Broker,
  name: string,
  { from = 0n, partition, follow, limit }: ReadOptions,
): AsyncGenerator<readonly StoredRecord[]> {
  let known = await partitionsOf(broker, name, partition)
  if (limit === 0) return
  yield* readMerged(broker, name, known, from)
  while (follow) {
    await sleep(lookEvery)
    const now = await partitionsOf(broker, name, partition)
    yield* readMerged(
      broker,
      name,
      now.map((info) => since(known, info)),
      from,
    )
    known = now
  }
}

const since = (known: readonly PartitionInfo[], info: PartitionInfo): PartitionInfo => {
  const seen = known.find(({ partition }) => partition === info.partition)?.end ?? 0n
  return { ...info, start: seen > info.start ? seen : info.start }
}

async function partitionsOf(broker: Broker, name: string, only: number | undefined): Promise<readonly PartitionInfo[]> {
  const { partitions } = findTopic(await broker.topics(), name)
  if (only === undefined) return partitions
  const found = partitions.filter(({ partition }) => partition === only)
  if (found.length > 0) return found
  throw new CommandFailure(`${name} has no partition ${only}: it has ${partitions.length}, counted from 0`)
}

function offset(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('expected an offset: a whole number from 0 on.')
  return BigInt(text)
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 0 on.')
  return Number(text)
}
