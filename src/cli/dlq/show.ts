import { Command } from 'commander'
import type { Broker, TopicInfo } from '../../broker/broker.ts'
import { letterAsJson } from '../../deadletter/letterAsJson.ts'
import { readLetter, type Letter } from '../../deadletter/readLetter.ts'
import type { StoredRecord } from '../../record/record.ts'
import type { Ledger } from '../../deadletter/ledger/ledger.ts'
import { connectionOf, withConnection, type ConnectionOptions } from '../brokerOptions.ts'
import { CommandFailure } from '../failure.ts'
import { findTopic } from '../findTopic.ts'
import { print } from '../output.ts'
import { lastRecordOf } from './lastRecord.ts'
import { letterText } from './letterText.ts'
import { findLetterTopics } from './letterTopics.ts'
import { openAt } from './openLedger.ts'

export const dlqShowCommand = (): Command =>
  withConnection(
    new Command('show')
      .summary('show one dead letter')
      .description('Shows one dead letter: what failed, where, why, and the source record.')
      .argument('<letter>', 'an id, TOPIC/PARTITION/OFFSET, or TOPIC for its latest')
      .option('--json', 'one JSON object'),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq show dlq.orders.v1
  oxbow dlq show dlq.orders.v1/0/17 --json
  oxbow dlq show 0f5e2b4c9d8a7f6e5d4c3b2a19080706`,
    )
    .action(showLetter)

async function showLetter(name: string, options: ConnectionOptions & { readonly json?: true }): Promise<void> {
  const { broker, ledger, close } = await openAt(await connectionOf(options), 'read')
  try {
    const letter = await findLetter(broker, ledger, name)
    await ledger.follow([letter.topic])
    const disposition = ledger.letter(letter.id, [letter.topic])?.disposition ?? 'open'
    const standing = { disposition, history: ledger.history(letter.id) }
    await print(options.json ? `${letterAsJson(letter, standing)}\n` : letterText(letter, standing))
  } finally {
    await close()
  }
}

async function findLetter(broker: Broker, ledger: Ledger, name: string): Promise<Letter> {
  const topics = await broker.topics()
  const place = /^([^/]+)\/(\d{1,9})\/(\d{1,18})$/.exec(name)
  if (place) return asLetter(await recordAt(broker, findTopic(topics, place[1]!), Number(place[2]), BigInt(place[3]!)))
  if (/^[0-9a-f]{32}$/.test(name)) return asLetter(await recordById(broker, ledger, topics, name))
  return asLetter(await latestOf(broker, findTopic(topics, name)))
}

function asLetter(record: StoredRecord): Letter {
  const letter = readLetter(record)
  if (letter) return letter
  const { topic, partition, offset } = record
  throw new CommandFailure(
    `the record at ${topic}/${partition}/${offset} is no dead letter of a convention that is known; "oxbow read ${topic}" shows it`,
  )
}

async function recordAt(
  broker: Broker,
  { name, partitions }: TopicInfo,
  partition: number,
  offset: bigint,
): Promise<StoredRecord> {
  const info = partitions.find((other) => other.partition === partition)
  if (!info)
    throw new CommandFailure(`${name} has no partition ${partition}: it has ${partitions.length}, counted from 0`)
  const { records } = await broker.read({ topic: name, partition, offset }, 1)
  if (records[0]?.offset === offset) return records[0]
  throw new CommandFailure(
    `${name}/${partition} has no offset ${offset}: it keeps ${info.start} up to ${info.end - 1n}`,
  )
}

async function latestOf(broker: Broker, { name, partitions }: TopicInfo): Promise<StoredRecord> {
  const last = await Promise.all(partitions.map((info) => lastRecordOf(broker, name, info)))
  const latest = last.flatMap((record) => record ?? []).toSorted((a, b) => b.timestamp - a.timestamp)[0]
  if (!latest) throw new CommandFailure(`${name} holds no dead letters`)
  return latest
}

async function recordById(
  broker: Broker,
  ledger: Ledger,
  topics: readonly TopicInfo[],
  id: string,
): Promise<StoredRecord> {
  await ledger.follow((await findLetterTopics(broker)).map(({ topic }) => topic))
  const found = ledger.letter(id)
  if (!found) throw new CommandFailure(`no topic keeps a dead letter with the id ${id}`)
  return recordAt(broker, findTopic(topics, found.topic), found.partition, found.offset)
}
