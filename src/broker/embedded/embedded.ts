import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { BrokerError, type Broker } from '../broker.ts'
import { createBell } from './bell.ts'
import { makeDirectory } from './directory.ts'
import { ensureTopic } from './ensure.ts'
import { lockDirectory, type Lock } from './lock.ts'
import { checkMaxRecords } from '../maxRecords.ts'
import { throwConflicts } from '../topicPlan.ts'
import { createMembership } from './membership.ts'
import { endsOf } from './offsets.ts'
import { isRunning } from '../reset.ts'
import { createProducer } from './producer.ts'
import { openTables, resetGroup, type Tables } from './tables.ts'
import { directWriter, threadWriter, type Writer } from './writer.ts'

export interface EmbeddedOptions {
  /** The data directory, made if it is missing; ':memory:' keeps everything in memory, without files and timers. */
  readonly directory: string
  /** The clock that retention goes by, in milliseconds since the epoch. */
  readonly now?: () => number
  /** Opens what is there and changes nothing; the directory must have data. */
  readonly readOnly?: boolean
  /** Takes the directory for one running pipeline; others may still read, and append as a producer does. */
  readonly owner?: boolean
}

/** How often a commit also deletes what retention no longer keeps, in milliseconds. */
const expireEvery = 60_000

/**
 * Opens the broker that lives in this process: one SQLite file, durable at every commit, safe against kill -9.
 * Retention deletes whole batches of records on opening, when topics are adjusted, and now and then at a commit, whether
 * or not a group has read them, as Kafka does.
 * @throws BrokerError when the directory is in use by another owner, or does not hold data of this version of Oxbow
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Broker> {
  const { directory, now = Date.now, readOnly = false, owner = false } = options
  if (directory === ':memory:') {
    const tables = openTables(directory, false)
    return createBroker({ tables, writer: directWriter(tables), now, readOnly: false, shared: false })
  }
  if (readOnly && owner) throw new BrokerError(`${directory} cannot be owned by one who only reads.`)

  const file = join(directory, 'oxbow.db')
  if (readOnly && !existsSync(file)) {
    throw new BrokerError(
      `${directory} holds no data of Oxbow. Run a pipeline there first, or name another --data directory.`,
    )
  }
  makeDirectory(directory)
  const lock = owner ? lockDirectory(directory) : undefined
  let tables: Tables | undefined
  try {
    tables = openTables(file, readOnly)
    const writer = owner ? threadWriter(file) : directWriter(tables)
    return createBroker({ tables, writer, now, readOnly, shared: true, ...(lock && { lock }) })
  } catch (error) {
    tables?.database.close()
    lock?.release()
    throw error
  }
}

interface Setting {
  readonly tables: Tables
  readonly writer: Writer
  readonly now: () => number
  readonly readOnly: boolean
  /** Whether other processes may use the same database. */
  readonly shared: boolean
  readonly lock?: Lock
}

function createBroker({ tables, writer, now, readOnly, shared, lock }: Setting): Broker {
  const { database, log, offsets, state, ledger } = tables
  const producer = createProducer(log)
  const bell = createBell(shared ? database.version : undefined)
  const membership = createMembership({ database, log, offsets, bell })
  let expiredAt = now()
  if (!readOnly) database.write(() => log.expire(expiredAt))

  return {
    commit: async ({ outputs, ...unit }) => {
      const time = now()
      const expires = time - expiredAt >= expireEvery
      const appends = database.read(() => producer.pack(outputs))
      await writer.write({ ...unit, appends, ...(expires && { expire: time }) })
      if (expires) expiredAt = time
      if (outputs.length > 0) bell.ring()
      // Timers, signals and sockets have their turn before the next unit.
      if (shared) await setImmediate()
    },
    subscribe: async (group, topics, listener) => membership.join(group, topics, listener),
    state: async (group, task) => state.reader(group, task),
    stores: async (group, tasks) =>
      database.read(() => state.stores(group)).filter(({ task }) => tasks?.includes(task) ?? true),
    ensureTopics: async (specs, { shorten } = { shorten: false }) =>
      throwConflicts(
        database.write(() => {
          const conflicts = specs.flatMap((spec) => ensureTopic(log, spec, shorten))
          log.expire(now())
          return conflicts
        }),
      ),
    topics: async (names) => database.read(() => log.describe()).filter(({ name }) => names?.includes(name) ?? true),
    bounds: async (topics) =>
      database.read(() =>
        topics.flatMap((topic) =>
          (log.find(topic)?.partitions ?? []).map(({ start, end }, partition) => ({
            topic,
            partition,
            start: BigInt(start),
            end: BigInt(end),
          })),
        ),
      ),
    read: async ({ topic: name, partition, offset }, maxRecords) => {
      checkMaxRecords(maxRecords)
      return database.read(() => {
        const topic = log.get(name)
        const { start } = endsOf(topic, partition)
        const from = Math.max(Number(offset), start)
        const records = log.read(topic, partition, from, maxRecords)
        return { topic: name, partition, records, next: (records.at(-1)?.offset ?? BigInt(from) - 1n) + 1n }
      })
    },
    trim: async (positions) =>
      database.write(() => {
        for (const { topic, partition, offset } of positions) log.trim(topic, partition, Number(offset))
      }),
    committed: async (group) => database.read(() => offsets.all(group)),
    announce: () => {}, // Nobody else reads for a group.
    members: async (group) => membership.members(group),
    reset: async (group, start) => {
      if (membership.members(group).length > 0) throw isRunning(group)
      database.write(() => resetGroup(tables, group, start))
    },
    counts: async (group) => database.read(() => ledger.totals(group)),
    close: async () => {
      membership.end()
      await writer.close()
      database.close()
      lock?.release()
    },
  }
}
