import { BrokerError, globalTask, type Broker, type StoreInfo, type TopicPartition } from '../broker.ts'
import type { StateCopy } from '../embedded/stateCopy.ts'
import { checkMaxRecords } from '../maxRecords.ts'
import { Changelog, changelogOf, changelogSpec, lost, partitionOfTask } from './changelog.ts'
import { Copies, type Notes } from './copies.ts'
import { loadClient } from './loadClient.ts'
import { Committer } from './committer.ts'
import { sumOf } from '../counts.ts'
import { GlobalState } from './globalState.ts'
import { decodeCounts, Ledger } from './ledger.ts'
import type { MemberData } from './memberData.ts'
import { describeMembers } from './members.ts'
import { Network } from './network.ts'
import { committedOffsets, logBounds, type CommittedOffset } from './offsets.ts'
import { Producer } from './producer.ts'
import { RecordReader } from './recordReader.ts'
import { resetGroup } from './reset.ts'
import type { KafkaSettings } from './settings.ts'
import { Standbys } from './standbys.ts'
import { KafkaSubscription } from './subscription.ts'
import { describeTopics } from './topicInfo.ts'
import { ensureTopics } from './topics.ts'
import { trimLogs } from './trim.ts'

export interface KafkaOptions {
  readonly settings: KafkaSettings
  /** How units are committed: in transactions, or by idempotent writes whose offsets follow. */
  readonly guarantee: 'exactlyOnce' | 'atLeastOnce'
  /** The thread that it is for, to be told apart in the description of its groups; the main thread, 0, when absent. */
  readonly thread?: number
  /** Where local copies of state are kept; in memory when absent. */
  readonly directory?: string
  /** Is told how far a long restore is, and what became of a local copy. */
  readonly notes?: Notes
}

/** Connects to a Kafka cluster. @throws BrokerError when no node of it answers */
export async function openKafka(options: KafkaOptions): Promise<Broker> {
  const { settings, guarantee, thread = 0, directory, notes } = options
  const client = await loadClient(settings.client)
  const open = (role: string) => new Network(settings, client.connect(settings, role))
  // Requests of one connection are answered in their order: what waits for records must not hold up what is written.
  const networks = { read: open('read'), write: open('write'), ask: open('ask') }
  const { ask } = networks
  const recordReader = new RecordReader(ask)
  const producer = new Producer(networks.write, settings, guarantee === 'exactlyOnce')
  /** Partitions of this process's members, by group. */
  const owned = new Map<string, Map<string, TopicPartition>>()
  /** What this process's members read, by group. */
  const inputs = new Map<string, readonly string[]>()
  const copies = new Copies(directory, notes)
  const changelog = new Changelog({ network: ask, isRead: (group) => owned.has(group), copies, notes })
  const standbys = new Standbys({ connect: () => open('standby'), copies, notes })
  let following: Network | undefined
  const globalState = new GlobalState({
    network: ask,
    waiting: () => (following ??= open('follow')),
    inputs: (group) => (owned.has(group) ? (inputs.get(group) ?? []) : undefined),
    ensure: (spec) => ensureTopics(ask, settings, [spec]),
    notes,
  })
  const ledger = new Ledger()
  const subscriptions = new Set<KafkaSubscription>()
  const wait = settings.timeouts.transaction + settings.timeouts.delivery
  let closed = false
  let address: string | undefined

  const openPartition = async (group: string, partition: number): Promise<void> => {
    if (ledger.has(group, partition)) return
    await producer.settle() // What the committed offsets are can depend on it.
    await ensureTopics(ask, settings, [changelogSpec(group, partition + 1, inputs.get(group) ?? [])])
    const [own] = await committedOffsets(ask, group, [{ topic: changelogOf(group), partition }], wait)
    ledger.load(group, partition, own?.metadata ?? '')
  }
  /** Of this process's members first: for their partitions it waits for what is just being committed. */
  const offsetsOf = async (group: string, changelogs: boolean): Promise<CommittedOffset[]> => {
    const own = [...(owned.get(group)?.values() ?? [])]
    const asked = changelogs ? [...numbersOf(own)].map((partition) => ({ topic: changelogOf(group), partition })) : own
    const exact = asked.length > 0 ? await committedOffsets(ask, group, asked, wait) : []
    const others = await committedOffsets(ask, group, 'all', wait)
    const isKnown = (each: TopicPartition) =>
      asked.some(({ topic, partition }) => topic === each.topic && partition === each.partition)
    return [...exact, ...others.filter((each) => !isKnown(each))]
      .filter(({ topic }) => (topic === changelogOf(group)) === changelogs)
      .toSorted((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
  }
  const dataOf = (group: string): MemberData => ({
    ...(address !== undefined && { address }),
    place: copies.place,
    owned: [...numbersOf([...(owned.get(group)?.values() ?? [])])],
    copies: new Map([
      ...copies.found(group).map((partition): [number, number] => [partition, 0]),
      ...[...standbys.of(group)].map(({ partition, position }): [number, number] => [partition, position]),
      ...changelog.positions(group),
    ]),
  })
  const committer = new Committer({
    network: networks.write,
    producer,
    changelog,
    ledger,
    guarantee,
    open: openPartition,
  })
  /** The state of a partition: its standby copy as it is, or a copy of all that is in the changelog by now. */
  const stateOf = async (group: string, partition: number): Promise<Pick<StateCopy, 'reader' | 'stores'>> => {
    if (standbys.has(group, partition)) {
      const copy = standbys.copyOf(group, partition)
      if (!copy) throw lost(group, partition)
      return copy
    }
    const isOwn = numbersOf([...(owned.get(group)?.values() ?? [])]).has(partition)
    if (!isOwn) changelog.doubt(group, partition) // Others write it.
    await committer.restore(group, partition)
    return changelog.copyOf(group, partition)
  }
  const checkOpen = (): void => {
    if (closed) throw new BrokerError(closedMessage)
  }
  const close = async (): Promise<void> => {
    closed = true
    await Promise.all([...subscriptions].map((subscription) => subscription.close()))
    await committer.idle()
    const unfollowed = globalState.close()
    const closing = [...Object.values(networks), ...(following ? [following] : [])].map((network) => network.close())
    await Promise.all([standbys.close(), ...closing])
    changelog.close()
    copies.closeAll()
    await unfollowed
  }

  try {
    await ask.reach()
  } catch (thrown) {
    await close()
    throw thrown
  }

  return {
    commit: (unit) => (closed ? Promise.reject(new BrokerError(closedMessage)) : committer.commit(unit)),
    subscribe: async (group, topics, listener) => {
      checkOpen()
      const widest = Math.max(1, ...(await describeTopics(ask, topics)).map(({ partitions }) => partitions.length))
      inputs.set(group, topics)
      await ensureTopics(ask, settings, [changelogSpec(group, widest, topics)])
      const subscription = await KafkaSubscription.open({
        client,
        network: networks.read,
        ask,
        settings,
        group,
        topics,
        thread,
        listener,
        standbyReplicas: listener?.standbyReplicas ?? 0,
        standbys: () => standbys.of(group),
        data: () => dataOf(group),
        taken: ({ partitions, standbys: others }, committed) => {
          for (const partition of others) changelog.forget(group, partition, true)
          standbys.follow(group, others, numbersOf(partitions))
          owned.set(group, new Map(partitions.map((place) => [nameOf(place), place])))
          for (const partition of numbersOf(partitions)) {
            changelog.doubt(group, partition)
            const own = committed.find((each) => each.topic === changelogOf(group) && each.partition === partition)
            ledger.load(group, partition, own?.metadata ?? '')
          }
        },
        given: (partitions, others) => {
          for (const place of partitions) owned.get(group)?.delete(nameOf(place))
          for (const partition of numbersOf(partitions)) {
            changelog.forget(group, partition, others.includes(partition))
            ledger.forget(group, partition)
          }
        },
      })
      subscriptions.add(subscription)
      return subscription
    },
    announce: (own) => {
      address = own
    },
    state: async (group, task) => {
      checkOpen()
      if (task === globalTask) return globalState.reader(group)
      return (await stateOf(group, partitionOfTask(task))).reader(task)
    },
    stores: async (group, tasks) => {
      checkOpen()
      const [topic] = await describeTopics(ask, [changelogOf(group)])
      const partitions = topic?.partitions.map(({ partition }) => partition) ?? []
      const ofTasks = tasks?.filter((task) => task !== globalTask)
      const wanted = partitions.filter((own) => ofTasks?.some((task) => partitionOfTask(task) === own) ?? true)
      const found: StoreInfo[] = []
      if (tasks?.includes(globalTask) ?? true) found.push(...(await globalState.stores(group)))
      for (const partition of wanted) {
        found.push(...(await stateOf(group, partition)).stores())
      }
      return found.filter(({ task }) => tasks?.includes(task) ?? true)
    },
    ensureTopics: async (specs, consent) => {
      checkOpen()
      await ensureTopics(ask, settings, specs, consent?.shorten)
    },
    topics: async (names) => {
      checkOpen()
      return describeTopics(ask, names)
    },
    bounds: async (topics) => {
      checkOpen()
      return logBounds(ask, topics)
    },
    read: async (from, maxRecords) => {
      checkOpen()
      checkMaxRecords(maxRecords)
      return recordReader.read(from, maxRecords)
    },
    trim: async (positions) => {
      checkOpen()
      await trimLogs(ask, positions, settings.timeouts.request)
      recordReader.forget()
    },
    committed: async (group) => {
      checkOpen()
      const offsets = await offsetsOf(group, false)
      return offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
    },
    members: async (group) => {
      checkOpen()
      return describeMembers(ask, group)
    },
    reset: async (group, start) => {
      checkOpen()
      await resetGroup(ask, settings, group, start)
    },
    counts: async (group) => {
      checkOpen()
      const offsets = await offsetsOf(group, true)
      return sumOf(offsets.flatMap(({ metadata }) => decodeCounts(metadata)))
    },
    close,
  }
}

const closedMessage = 'The connection to Kafka is closed.'

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

const numbersOf = (partitions: readonly { readonly partition: number }[]): Set<number> =>
  new Set(partitions.map(({ partition }) => partition))
