import { groupEntryRecord, type GroupEntry } from '../../deadletter/ledger/entry.ts'
import { ensureLedgers } from '../../redrive/ensureLedgers.ts'
import type { User } from '../security/users.ts'
import { planFor } from './order.ts'
import type { Workbench } from './workbench.ts'

/** Has a group be quiet, or be heard again. @throws Problem 404, 409 */
export async function mute(
  workbench: Workbench,
  user: User,
  { fingerprint, topic }: { readonly fingerprint: string; readonly topic?: string | undefined },
  { to, why }: { readonly to: 'muted' | 'unmuted'; readonly why: string },
): Promise<void> {
  const group = await workbench.group(fingerprint, topic)
  const { broker } = workbench.parts
  await ensureLedgers(broker, planFor(workbench, group.topic), [group.topic])
  const entry: GroupEntry = { group: group.fingerprint, to, by: user.name, why, at: Date.now() }
  const outputs = [groupEntryRecord(group.topic, entry)]
  await broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
  workbench.parts.log.info(
    { user: user.name, group: fingerprint, why },
    `${user.name} ${to} the group ${fingerprint}: ${why}.`,
  )
}
