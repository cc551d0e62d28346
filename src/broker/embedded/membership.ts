import { BrokerError, type MemberInfo, type RebalanceListener, type Subscription } from '../broker.ts'
import { createSubscription, type Ground } from './subscription.ts'

/** The open subscriptions of this process. */
export interface Membership {
  /** Topics that do not exist are created with one partition. */
  join(group: string, topics: readonly string[], listener?: RebalanceListener): Promise<Subscription>
  /** Each has every partition of its topics. */
  members(group: string): readonly MemberInfo[]
  /** Closes them all; polls that wait give none. */
  end(): void
}

export function createMembership(ground: Ground): Membership {
  const { database, log } = ground
  const members = new Set<{ readonly group: string; readonly topics: readonly string[]; readonly close: () => void }>()

  return {
    join: async (group, topics, listener) => {
      for (const member of members) {
        const shared = member.group === group ? topics.find((topic) => member.topics.includes(topic)) : undefined
        if (shared !== undefined) {
          throw new BrokerError(`${group} already reads ${shared} in this process: close that subscription first.`)
        }
      }
      const missing = topics.filter((topic) => database.read(() => log.find(topic)) === undefined)
      if (missing.length > 0) database.write(() => missing.forEach((topic) => log.find(topic) ?? log.create(topic, 1)))

      const subscription = createSubscription(ground, group, [...new Set(topics)], listener)
      const member = { group, topics, close: subscription.close }
      members.add(member)
      try {
        await subscription.assignNew()
      } catch (thrown) {
        members.delete(member)
        subscription.close()
        throw thrown
      }
      return {
        ...subscription,
        close: async () => {
          members.delete(member)
          subscription.close()
        },
      }
    },
    members: (group) =>
      [...members]
        .filter((member) => member.group === group)
        .map(({ topics }, at) => ({
          id: `${process.pid}-${at}`,
          clientId: `oxbow-${process.pid}`,
          host: 'localhost',
          standbys: [],
          partitions: topics.flatMap((topic) =>
            (database.read(() => log.find(topic))?.partitions ?? []).map((_, partition) => ({ topic, partition })),
          ),
        })),
    end: () => {
      for (const { close } of members) close()
      members.clear()
    },
  }
}
