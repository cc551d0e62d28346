import { BrokerError, type TopicInfo } from '../broker.ts'
import type { StoredRecord } from '../../record/record.ts'
import { checkTopicName } from '../topicName.ts'
import { decodeBatch, type EncodedBatch } from './batch.ts'
import type { Database } from './database.ts'

/** A topic at this moment: other processes move its ends, so it is good for one transaction only. */
export interface Topic {
  readonly id: number
  readonly name: string
  readonly partitions: readonly Ends[]
}

/** Offsets of the first record kept and of the next record to come. */
export interface Ends {
  readonly start: number
  readonly end: number
}

/** The topics and their records. What changes them is to be called inside a transaction. */
export interface Log {
  find(name: string): Topic | undefined
  /** @throws BrokerError naming the topics there are */
  get(name: string): Topic
  /** @throws BrokerError when the name is not one that Kafka would allow */
  create(name: string, partitions: number): Topic
  addPartitions(topic: Topic, partitions: number): void
  setRetention(topic: Topic, retention: number | undefined): void
  /** With its records, and with what groups committed for it. */
  remove(topic: Topic): void
  append(topic: Topic, partition: number, batches: readonly EncodedBatch[]): void
  read(topic: Topic, partition: number, from: number, max: number): StoredRecord[]
  /** Deletes, from the front of every log, the batches whose newest record is older than the topic's retention. */
  expire(now: number): void
  /** Deletes the batches that end before an offset. */
  trim(name: string, partition: number, offset: number): void
  describe(): readonly TopicInfo[]
}

/** One read stops at about this many bytes, whatever the number of records, so that large records do not fill the memory. */
const maxReadBytes = 8_388_608

export function openLog(database: Database): Log {
  const sql = prepare(database)

  const find = (name: string): Topic | undefined => {
    const row = sql.topic.get(name)
    return row && { id: row.id, name, partitions: sql.ends.all(row.id) }
  }

  return {
    find,
    get: (name) => {
      const topic = find(name)
      if (topic) return topic
      const names = sql.names.all().map((row) => row.name)
      const known = names.length > 0 ? `There are: ${names.join(', ')}.` : 'There are none yet.'
      throw new BrokerError(`There is no topic ${JSON.stringify(name)}. ${known}`)
    },
    create: (name, partitions) => {
      checkTopicName(name)
      const { id } = sql.addTopic.get(name)!
      for (let partition = 0; partition < partitions; partition++) sql.addPartition.run(id, partition)
      return { id, name, partitions: Array.from({ length: partitions }, () => ({ start: 0, end: 0 })) }
    },
    addPartitions: ({ id, partitions }, count) => {
      for (let partition = partitions.length; partition < count; partition++) sql.addPartition.run(id, partition)
    },
    setRetention: ({ id }, retention) => void sql.setRetention.run(retention ?? null, id),
    remove: ({ id }) => {
      for (const statement of sql.remove) statement.run(id)
    },
    append: ({ id, partitions }, partition, batches) => {
      let next = partitions[partition]!.end
      for (const { count, firstTimestamp, maxTimestamp, bytes } of batches) {
        sql.addBatch.run(id, partition, next, count, firstTimestamp, maxTimestamp, bytes)
        next += count
      }
      sql.setEnd.run(next, id, partition)
    },
    read: ({ id, name }, partition, from, max) => {
      const records: StoredRecord[] = []
      let bytes = 0
      for (const row of sql.batches.iterate(id, partition, id, partition, from, from)) {
        const content = Buffer.from(row.records.buffer, row.records.byteOffset, row.records.length)
        const place = { topic: name, partition, baseOffset: row.base_offset, firstTimestamp: row.first_timestamp }
        const skip = Math.max(0, from - row.base_offset)
        records.push(...decodeBatch(content, place, skip, max - records.length))
        bytes += content.length
        if (records.length >= max || bytes >= maxReadBytes) break
      }
      return records
    },
    expire: (now) => {
      for (const log of sql.expiring.all()) {
        const kept = sql.firstNotBefore.get(log.topic, log.partition, now - log.retention)
        const start = kept?.base_offset ?? log.end_offset
        if (start === log.start_offset) continue
        sql.deleteBefore.run(log.topic, log.partition, start)
        sql.setStart.run(start, log.topic, log.partition)
      }
    },
    trim: (name, partition, offset) => {
      const topic = find(name)
      const ends = topic?.partitions[partition]
      if (!ends) return
      const kept = sql.firstEndingAfter.get(topic.id, partition, offset)
      const start = kept?.base_offset ?? Math.min(offset, ends.end)
      if (start <= ends.start) return
      sql.deleteBefore.run(topic.id, partition, start)
      sql.setStart.run(start, topic.id, partition)
    },
    describe: () => describe(sql.describe.all()),
  }
}

/** @throws BrokerError unless it is a whole number from 1 on */
interface DescribedRow {
  readonly name: string
  readonly retention: number | null
  readonly partition: number
  readonly start_offset: number
  readonly end_offset: number
}

function describe(rows: readonly DescribedRow[]): TopicInfo[] {
  const byName = Map.groupBy(rows, (row) => row.name)
  return [...byName].map(([name, logs]) => ({
    name,
    ...(logs[0]!.retention !== null && { retention: logs[0]!.retention }),
    partitions: logs.map(({ partition, start_offset, end_offset }) => ({
      partition,
      start: BigInt(start_offset),
      end: BigInt(end_offset),
    })),
  }))
}

interface BatchRow {
  readonly base_offset: number
  readonly first_timestamp: number
  readonly records: Uint8Array<ArrayBuffer>
}

interface ExpiringRow {
  readonly topic: number
  readonly partition: number
  readonly start_offset: number
  readonly end_offset: number
  readonly retention: number
}

const prepare = (database: Database) => ({
  topic: database.prepare<{ id: number }>('SELECT id FROM topic WHERE name = ?'),
  names: database.prepare<{ name: string }>('SELECT name FROM topic ORDER BY name'),
  ends: database.prepare<Ends>(
    'SELECT start_offset AS start, end_offset AS "end" FROM log WHERE topic = ? ORDER BY partition',
  ),
  addTopic: database.prepare<{ id: number }>('INSERT INTO topic (name) VALUES (?) RETURNING id'),
  addPartition: database.prepare('INSERT INTO log (topic, partition) VALUES (?, ?)'),
  setRetention: database.prepare('UPDATE topic SET retention = ? WHERE id = ?'),
  remove: ['batch WHERE topic', 'log WHERE topic', 'committed WHERE topic', 'topic WHERE id'].map((of) =>
    database.prepare(`DELETE FROM ${of} = ?`),
  ),
  addBatch: database.prepare('INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?)'),
  setEnd: database.prepare('UPDATE log SET end_offset = ? WHERE topic = ? AND partition = ?'),
  setStart: database.prepare('UPDATE log SET start_offset = ? WHERE topic = ? AND partition = ?'),
  /** From the batch that holds an offset on; it may begin before the offset. */
  batches: database.prepare<BatchRow>(
    `SELECT base_offset, first_timestamp, records FROM batch WHERE topic = ? AND partition = ? AND base_offset >= ifnull(
       (SELECT max(base_offset) FROM batch WHERE topic = ? AND partition = ? AND base_offset <= ?), ?)
     ORDER BY base_offset`,
  ),
  expiring: database.prepare<ExpiringRow>(
    `SELECT log.topic, partition, start_offset, end_offset, retention FROM log JOIN topic ON topic.id = log.topic
     WHERE retention IS NOT NULL AND start_offset < end_offset`,
  ),
  firstNotBefore: database.prepare<{ base_offset: number }>(
    `SELECT base_offset FROM batch WHERE topic = ? AND partition = ? AND max_timestamp >= ?
     ORDER BY base_offset LIMIT 1`,
  ),
  firstEndingAfter: database.prepare<{ base_offset: number }>(
    `SELECT base_offset FROM batch WHERE topic = ? AND partition = ? AND base_offset + count > ?
     ORDER BY base_offset LIMIT 1`,
  ),
  deleteBefore: database.prepare('DELETE FROM batch WHERE topic = ? AND partition = ? AND base_offset < ?'),
  describe: database.prepare<DescribedRow>(
    `SELECT name, retention, partition, start_offset, end_offset
     FROM topic JOIN log ON log.topic = topic.id ORDER BY name, partition`,
  ),
})
