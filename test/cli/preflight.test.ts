import { expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { readPlan } from '../../src/cli/plans.ts'
import { findLosses } from '../../src/cli/preflight/letters.ts'
import { preflight } from '../../src/cli/preflight/preflight.ts'
import { deadLetter } from '../../src/deadletter/letter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { prepareTopics } from '../../src/topology/prepareTopics.ts'
import { append } from '../support/pipeline.ts'
import { makeDirectory } from './oxbow.ts'

const day = 86_400_000
const config = `name: shop
sources:
  orders: { topic: {} }
deadLetters: { retention: 7d }
streams:
  paid: { from: orders, to: { topic: paid } }
`

/** A letter that failed then. */
function letter(n: number, failedAt: number) {
  const origin = { source: 'orders', topic: 'orders', partition: 0, offset: BigInt(n), timestamp: 5 }
  const raw = { key: null, value: Buffer.from('{}'), headers: [], timestamp: 5 }
  const fault = new RecordedFault('value.bad', 'It is bad.', 'deadLetter')
  const failure = { raw, input: { value: {}, index: '', origin }, operator: 'paid.map', fault, attempts: 1, hops: 0 }
  const context = { pipeline: 'shop', revision: 'r', envelope: 'headers' as const, redact: redactor([], []) }
  return deadLetter({ ...failure, failedAt, firstFailedAt: failedAt }, { ...context, topic: 'dlq.orders' })
}

it('check --broker warns of letters that retention will delete before anybody has dealt with them', async () => {
  const directory = makeDirectory({ 'a.yaml': config })
  const planned = readPlan(`${directory}/a.yaml`)
  const broker = await openEmbedded({ directory })
  await prepareTopics(broker, planned.plan.topics)
  const findings = async () =>
    (await preflight(planned, { data: directory })).map(({ line, message }) => [line, message])
  await append(broker, [letter(1, Date.now())])
  expect(await findings()).toEqual([])
  await append(broker, [letter(2, Date.now() - 6.5 * day)])
  // The first record of a partition tells whether its letters are to be looked into.
  await broker.trim([{ topic: 'dlq.orders', partition: 0, offset: 1n }])
  expect(await findings()).toEqual([[4, 'topic `dlq.orders`: 1 open letter will be deleted by retention within a day']])
  await broker.close()
})

it('they are found behind what was aborted, where a read ends in the middle of that', async () => {
  const directory = makeDirectory({ 'a.yaml': config })
  const planned = readPlan(`${directory}/a.yaml`)
  const broker = await openEmbedded({ directory })
  await prepareTopics(broker, planned.plan.topics)
  await append(broker, [letter(1, Date.now()), letter(2, Date.now() - 6.5 * day)])
  const interrupted: Broker['read'] = async (from, most) =>
    most === 1 && from.offset === 0n ? { ...from, records: [], next: 1n } : broker.read(from, most)
  const live = await broker.topics(['dlq.orders'])
  const found = await findLosses(
    planned,
    { kind: 'embedded', directory },
    { ...broker, read: interrupted },
    live,
    Date.now(),
  )
  expect(found).toHaveLength(1)
  await broker.close()
})
