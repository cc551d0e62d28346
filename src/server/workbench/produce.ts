import type { OutputRecord } from '../../record/record.ts'
import { OutputsRefused } from '../../broker/broker.ts'
import { Problem } from '../problem.ts'
import type { User } from '../security/users.ts'
import type { Workbench } from './workbench.ts'

/** Appends one record to a topic. @throws Problem 403 for a topic that is not anybody’s to write to, 404, 422 */
export async function produce(workbench: Workbench, user: User, record: OutputRecord): Promise<void> {
  const { broker, log } = workbench.parts
  const { partitions } = await workbench.topic(record.topic)
  const role = (await workbench.roles())(record.topic)
  if (role === 'deadLetters' || role === 'ledger' || role === 'internal')
    throw new Problem(403, `${record.topic} is written by pipelines alone.`)
  if (record.partition !== undefined && !partitions.some(({ partition }) => partition === record.partition))
    throw new Problem(422, `${record.topic} has no partition ${record.partition}, only ${partitions.length}.`)
  try {
    await broker.commit({ group: 'oxbow.produce', task: '', outputs: [record], offsets: [], state: [], counts: [] })
  } catch (thrown) {
    if (!(thrown instanceof OutputsRefused)) throw thrown
    throw new Problem(422, `${record.topic} does not take it: ${thrown.reasons.get(0) ?? thrown.message}`)
  }
  log.info({ user: user.name, topic: record.topic }, `${user.name} produced a record to ${record.topic}.`)
}
