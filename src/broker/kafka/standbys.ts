import { setImmediate, setTimeout } from 'node:timers/promises'
import type { StandbyInfo } from '../broker.ts'
import type { StateCopy } from '../embedded/stateCopy.ts'
import { changelogOf } from './changelog.ts'
import { changesIn } from './changeRecord.ts'
import type { Copies, Notes } from './copies.ts'
import { asBrokerError, passes } from './failure.ts'
import type { Network } from './network.ts'
import { originalOf } from './original.ts'
import { fetchEach, recordsOf, type Fetched } from './reader.ts'

export interface StandbysParts {
  /** Connections of their own, as requests wait for records; made when there is something to follow. */
  readonly connect: () => Network
  readonly copies: Copies
  readonly notes?: Notes | undefined
}

const limits = { maxWait: 500, maxBytes: 8_388_608, partitionBytes: 1_048_576 }
/** With nothing that could be fetched now, in milliseconds. */
const pause = 500
const longestHold = 16_000
/** What passes by itself, such as a change of the leader, is not spoken of before so many failures. */
const quietFailures = 3
/** A copy that could not be kept up for so long, in milliseconds, may have missed what was deleted: half of what Kafka tells. */
const freshFor = 12 * 3_600_000

/** The copy of a partition's state that another member has. */
interface Standby {
  readonly group: string
  readonly partition: number
  copy?: { readonly state: StateCopy; readonly topicId: string }
  /** While its copy is being opened, which may wait for who had it before. */
  opening?: Promise<unknown>
  position: number
  /** The end of the changelog when its copy was opened: before that it is no state that there ever was. */
  whole: number
  /** The end of the changelog when it was fetched last. */
  end: number
  fetchedAt: number
  failures: number
  heldUntil: number
  /** Why it is not kept up, if so. */
  failure?: string
}

/** Copies of the state that other members have, kept up with its changelog: whoever takes a partition over has little to restore. */
export class Standbys {
  readonly #parts: StandbysParts
  readonly #standbys = new Map<string, Standby>()
  #network: Network | undefined
  #running: Promise<void> = Promise.resolve()
  #isRunning = false
  readonly #closing = new AbortController()

  constructor(parts: StandbysParts) {
    this.#parts = parts
  }

  /**
   * A rebalance: these are followed from now on, and no others of the group.
   * @param own partitions whose tasks are this process's now: their copies are left to them
   */
  follow(group: string, partitions: readonly number[], own: ReadonlySet<number>): void {
    for (const [name, standby] of this.#standbys) {
      if (standby.group !== group || partitions.includes(standby.partition)) continue
      this.#standbys.delete(name)
      this.#release(standby, own.has(standby.partition))
    }
    for (const partition of partitions) {
      const name = nameOf(group, partition)
      if (this.#standbys.has(name)) continue
      const fresh = {
        group,
        partition,
        position: 0,
        whole: 0,
        end: 0,
        fetchedAt: Date.now(),
        failures: 0,
        heldUntil: 0,
      }
      this.#standbys.set(name, fresh)
    }
    if (this.#standbys.size === 0 || this.#isRunning || this.#closing.signal.aborted) return
    this.#isRunning = true
    this.#running = this.#run()
  }

  /** Whether a partition is followed: its state is another member's. */
  has(group: string, partition: number): boolean {
    return this.#standbys.has(nameOf(group, partition))
  }

  /** The copy of a partition that is followed, as far as it has come; undefined as long as there is none that was whole. */
  copyOf(group: string, partition: number): StateCopy | undefined {
    const standby = this.#standbys.get(nameOf(group, partition))
    return standby && standby.position >= standby.whole ? standby.copy?.state : undefined
  }

  /** Those of a group that there are, and how far they are behind. */
  of(group: string): StandbyInfo[] {
    const own = [...this.#standbys.values()].filter((standby) => standby.group === group)
    return own.flatMap(({ partition, copy, position, end, failure }) =>
      copy
        ? [{ partition, position, lag: Math.max(0, end - position), ...(failure !== undefined && { failure }) }]
        : [],
    )
  }

  async close(): Promise<void> {
    const left = [...this.#standbys.values()]
    this.#closing.abort()
    this.#standbys.clear()
    await this.#network?.close()
    await this.#running
    await Promise.all(left.flatMap(({ opening }) => opening ?? []))
    for (const standby of left) this.#release(standby, false)
  }

  /** Leaves the copy to the task that takes the partition over, or closes it. */
  #release({ group, partition, copy, position }: Standby, isTaken: boolean): void {
    if (copy && isTaken) this.#parts.copies.leave(group, partition, copy.state, { topicId: copy.topicId, position })
    else copy?.state.close()
  }

  async #run(): Promise<void> {
    const network = (this.#network ??= this.#parts.connect())
    const { signal } = this.#closing
    while (this.#standbys.size > 0 && !signal.aborted) {
      const byNode = new Map<number, Standby[]>()
      for (const standby of this.#standbys.values()) {
        if (standby.heldUntil > Date.now()) continue
        const node = await this.#attempt(standby, () => this.#locate(network, standby))
        if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), standby])
      }
      await Promise.all([...byNode].map(([node, own]) => this.#fetch(network, node, own)))
      if (byNode.size === 0) await setTimeout(pause, undefined, { signal }).catch(() => {})
    }
    this.#isRunning = false
  }

  /** The node to fetch from; undefined as long as there is no copy to go on with. */
  async #locate(network: Network, standby: Standby): Promise<number | undefined> {
    const topic = changelogOf(standby.group)
    const leader = (await network.leaders(topic))?.[standby.partition]
    if (!this.#isCurrent(standby)) return undefined
    const isStale = Date.now() - standby.fetchedAt > freshFor
    if (standby.copy && (isStale || network.topicId(topic) !== standby.copy.topicId)) this.#startOver(standby)
    if (standby.copy) return leader
    standby.opening ??= this.#attempt(standby, () => this.#open(network, standby)).finally(() => delete standby.opening)
    return undefined
  }

  async #open(network: Network, standby: Standby): Promise<void> {
    const { group, partition } = standby
    const original = await originalOf(network, { topic: changelogOf(group), partition }, false)
    const { topicId } = original
    if (topicId === undefined) return void (standby.heldUntil = Date.now() + longestHold) // Nobody has written to it yet.
    const { state, position } = await this.#parts.copies.open(group, partition, original)
    if (!this.#isCurrent(standby)) return state.close()
    const { end } = original
    Object.assign(standby, { copy: { state, topicId }, position, whole: end, end, fetchedAt: Date.now() })
  }

  async #fetch(network: Network, node: number, wanted: readonly Standby[]): Promise<void> {
    const places = wanted.map(({ group, partition, position }) => ({
      topic: changelogOf(group),
      partition,
      offset: position,
    }))
    let fetched: Awaited<ReturnType<typeof fetchEach>>
    try {
      fetched = await fetchEach(network, node, places, limits)
    } catch (thrown) {
      network.refresh()
      return wanted.forEach((standby) => this.#failed(standby, thrown as Error))
    }
    if (fetched.some((each) => 'failure' in each)) network.refresh()
    for (const each of fetched) {
      const at = places.findIndex(({ topic, partition }) => topic === each.topic && partition === each.partition)
      const standby = wanted[at]!
      await this.#attempt(standby, async () => {
        if ('failure' in each) throw each.failure
        this.#keep(standby, each)
      })
      await setImmediate()
    }
  }

  /** Adds what was fetched to a copy that is still wanted. */
  #keep(standby: Standby, fetched: Fetched): void {
    const { copy } = standby
    if (!this.#isCurrent(standby) || !copy) return
    if (fetched.moved) return this.#startOver(standby)
    const { topicId } = copy
    const position = fetched.next
    try {
      if (position > standby.position) copy.state.change(changesIn(recordsOf(fetched)), { topicId, position })
    } catch (thrown) {
      delete standby.copy
      throw thrown
    }
    Object.assign(standby, { position, end: fetched.highWatermark, fetchedAt: Date.now() })
    this.#recovered(standby)
  }

  #startOver(standby: Standby): void {
    const { group, partition, copy } = standby
    delete standby.copy
    if (copy) this.#parts.copies.discard(group, partition, copy.state)
  }

  #isCurrent(standby: Standby): boolean {
    return this.#standbys.get(nameOf(standby.group, standby.partition)) === standby
  }

  async #attempt<T>(standby: Standby, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (thrown) {
      this.#failed(standby, thrown as Error)
      return undefined
    }
  }

  /** Says so once, and leaves it alone for a while: tasks do not need it. */
  #failed(standby: Standby, thrown: Error): void {
    if (!this.#isCurrent(standby)) return
    const { group, partition } = standby
    standby.heldUntil = Date.now() + Math.min(1_000 * 2 ** standby.failures++, longestHold)
    if (passes(thrown) && standby.failures < quietFailures) return
    const { message } = asBrokerError(thrown, `${changelogOf(group)}, partition ${partition}, cannot be read`)
    if (standby.failure !== message)
      this.#parts.notes?.warn(
        { group, partition },
        `The standby copy of ${changelogOf(group)}, partition ${partition}, is not kept up; it is tried again, and no task waits for it: ${message}`,
      )
    standby.failure = message
  }

  #recovered(standby: Standby): void {
    const { group, partition, failure } = standby
    standby.failures = 0
    if (failure === undefined) return
    delete standby.failure
    const what = `The standby copy of ${changelogOf(group)}, partition ${partition}, is kept up again.`
    this.#parts.notes?.info({ group, partition }, what)
  }
}

const nameOf = (group: string, partition: number): string => `${group}/${partition}`
