import {
  BrokerError,
  globalTask,
  type StateReader,
  type StoreInfo,
  type TopicPartition,
  type TopicSpec,
} from '../broker.ts'
import { openStateCopy, type StateCopy } from '../embedded/stateCopy.ts'
import { changesIn } from './changeRecord.ts'
import { changelogSpec } from './changelog.ts'
import type { Notes } from './copies.ts'
import type { Network } from './network.ts'
import { logOffsets } from './offsets.ts'
import { Progress } from './progress.ts'
import { recordsOf } from './reader.ts'
import { fetchNext, readTo } from './readTo.ts'

/** The compacted topic that keeps what all tasks of a pipeline share. */
export const globalTopicOf = (group: string): string => `${group}-global`

/** One partition: everybody reads all of it, and what is committed has one order. @param sources what the group reads */
const globalSpec = (group: string, sources: readonly string[]): TopicSpec => ({
  ...changelogSpec(group, 1, sources),
  name: globalTopicOf(group),
})

/** Where a group's is. */
export const placeOf = (group: string): TopicPartition => ({ topic: globalTopicOf(group), partition: 0 })

export interface GlobalStateParts {
  readonly network: Network
  /** One more, for requests that wait in it for records. */
  readonly waiting: () => Network
  /** What this process reads for a group; undefined for one that it only looks at. */
  readonly inputs: (group: string) => readonly string[] | undefined
  readonly ensure: (spec: TopicSpec) => Promise<void>
  readonly notes: Notes | undefined
}

/** A copy of a group's shared state, in memory. */
interface Followed {
  readonly state: StateCopy
  /** Up to where it was read. */
  position: number
  /** Why it follows no longer, if so. */
  failure?: BrokerError
}

/** What all tasks of a group share: a whole copy in this process, which follows its topic. */
export class GlobalState {
  readonly #parts: GlobalStateParts
  readonly #followed = new Map<string, Promise<Followed>>()
  #closed = false

  constructor(parts: GlobalStateParts) {
    this.#parts = parts
  }

  /** As it is at the call, and soon whatever is committed after it. @throws BrokerError when it cannot be read */
  async reader(group: string): Promise<StateReader> {
    const followed = await this.#follow(group)
    const live = <T>(read: (state: StateReader) => T): T => {
      if (followed.failure) throw followed.failure
      return read(followed.state.reader(globalTask))
    }
    return {
      get: (store, key) => live((state) => state.get(store, key)),
      entries: (store, from, to) => live((state) => state.entries(store, from, to)),
      keys: (store, from, to) => live((state) => state.keys(store, from, to)),
    }
  }

  async stores(group: string): Promise<readonly StoreInfo[]> {
    return (await this.#follow(group)).state.stores()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const one of await Promise.allSettled(this.#followed.values())) {
      if (one.status === 'fulfilled' && !one.value.failure) one.value.state.close()
    }
  }

  #follow(group: string): Promise<Followed> {
    const known = this.#followed.get(group)
    if (known) return known
    const following = this.#begin(group)
    this.#followed.set(group, following)
    following.catch(() => this.#forget(group, following))
    return following
  }

  #forget(group: string, following: Promise<Followed> | undefined): void {
    if (this.#followed.get(group) === following) this.#followed.delete(group)
  }

  async #begin(group: string): Promise<Followed> {
    const { inputs, ensure, network, notes } = this.#parts
    const place = placeOf(group)
    const own = inputs(group)
    if (own) await ensure(globalSpec(group, own))
    const leaders = await network.persist(`${place.topic} cannot be found`, () => network.leaders(place.topic))
    const followed: Followed = { state: openStateCopy({ now: Date.now }), position: 0 }
    if (!leaders) {
      this.#followed.delete(group) // Next time there may be one.
      return followed
    }
    const [start] = await logOffsets(network, [place], 'earliest')
    const [end] = await logOffsets(network, [place], 'latest')
    const progress = new Progress(place, start!, end!, notes)
    followed.position = start!
    for await (const { records, next } of readTo(network, place, start!, end!)) {
      followed.state.change(changesIn(records))
      followed.position = next
      progress.at(next, records.length)
    }
    progress.end(false)
    void this.#goOn(group, followed)
    return followed
  }

  async #goOn(group: string, followed: Followed): Promise<void> {
    const following = this.#followed.get(group)
    const network = this.#parts.waiting()
    try {
      while (!this.#closed) {
        const fetched = await fetchNext(network, placeOf(group), followed.position)
        if (this.#closed) return
        if (fetched.moved) throw new BrokerError(`${globalTopicOf(group)} was made anew: it is to be read again.`)
        const records = recordsOf(fetched)
        if (records.length > 0) followed.state.change(changesIn(records))
        followed.position = fetched.next
      }
    } catch (thrown) {
      if (this.#closed) return
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      followed.failure = new BrokerError(message, { cause: thrown })
      followed.state.close()
      this.#forget(group, following)
      this.#parts.notes?.warn(
        { group },
        `Global tables are not followed any more, and read anew when asked for: ${message}`,
      )
    }
  }
}
