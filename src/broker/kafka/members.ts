import type { MemberInfo } from '../broker.ts'
import { codesOf } from './failure.ts'
import type { Network } from './network.ts'

/** The members of a group as its coordinator knows them; while a rebalance is under way, they have no partitions yet. */
export async function describeMembers(network: Network, group: string): Promise<MemberInfo[]> {
  const groups = await network.persist(`The group ${group} cannot be described`, async () => {
    try {
      return await network.admin.describeGroups({ groups: [group] })
    } catch (thrown) {
      if (codesOf(thrown).includes('GROUP_ID_NOT_FOUND')) return undefined
      throw thrown
    }
  })
  return [...(groups?.get(group)?.members.values() ?? [])].map(({ id, clientId, clientHost, assignments }) => ({
    id,
    clientId,
    host: clientHost.replace(/^\//, ''),
    partitions: [...(assignments?.values() ?? [])].flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
  }))
}
