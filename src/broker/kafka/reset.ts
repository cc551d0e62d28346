import { deleteGroupsV2, deleteTopicsV6, offsetCommitV8, ProtocolError } from '@platformatic/kafka'
import { isRunning, type GroupStart } from '../reset.ts'
import { changelogOf } from './changelog.ts'
import { codesOf } from './failure.ts'
import { globalTopicOf } from './globalState.ts'
import { describeMembers } from './members.ts'
import type { Network } from './network.ts'
import { asTopics } from './offsets.ts'
import type { KafkaSettings } from './settings.ts'

/**
 * Has a group start over: its offsets, and with them its counts, go first, then its changelog and other topics.
 * @throws BrokerError while somebody reads for it
 */
export async function resetGroup(
  network: Network,
  { timeouts }: KafkaSettings,
  group: string,
  { offsets, topics }: GroupStart,
): Promise<void> {
  if ((await describeMembers(network, group)).length > 0) throw isRunning(group)
  await network.persist(`The group ${group} cannot be deleted`, () => deleteGroup(network, group))
  for (const topic of [changelogOf(group), globalTopicOf(group), ...topics]) {
    await network.persist(`The topic ${topic} cannot be deleted`, () => deleteTopic(network, topic, timeouts.request))
  }
  if (offsets.length === 0) return
  const positions = offsets.map((position) => ({ ...position, metadata: '' }))
  await network.persist(`The offsets of ${group} cannot be set`, () =>
    network.callCoordinator('group', group, offsetCommitV8.api, group, -1, '', null, asTopics(positions)),
  )
}

async function deleteGroup(network: Network, group: string): Promise<void> {
  try {
    await network.callCoordinator('group', group, deleteGroupsV2.api, [group])
  } catch (thrown) {
    const codes = codesOf(thrown)
    if (codes.includes('NON_EMPTY_GROUP')) throw isRunning(group)
    if (!codes.includes('GROUP_ID_NOT_FOUND')) throw thrown
  }
}

/** Until nobody who is asked knows it any more. */
async function deleteTopic(network: Network, name: string, timeout: number): Promise<void> {
  network.refresh()
  if (!(await network.leaders(name))) return
  try {
    await network.callController(deleteTopicsV6.api, [{ name, topicId: null }], timeout)
  } catch (thrown) {
    if (!codesOf(thrown).includes('UNKNOWN_TOPIC_OR_PARTITION')) throw thrown
  }
  network.refresh()
  if (await network.leaders(name)) throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION')
}
