import type { Broker } from '../broker/broker.ts'
import { ledgerOf } from '../deadletter/ledger/entry.ts'
import type { Plan } from '../topology/plan.ts'
import { prepareTopics } from '../topology/prepareTopics.ts'

/**
 * Creates the ledgers of dead-letter topics. One of a topic that the plan does not write to keeps its entries twice as long as that
 * keeps its letters, as those of a plan's own do; for ever where nobody says how long.
 */
export async function ensureLedgers(broker: Broker, plan: Plan, topics: readonly string[]): Promise<void> {
  const names = new Set(topics.map(ledgerOf))
  const planned = plan.topics.filter(({ name }) => names.has(name))
  const others = topics.filter((topic) => planned.every(({ name }) => name !== ledgerOf(topic)))
  const live = others.length > 0 ? await broker.topics(others) : []
  const retentionOf = (topic: string) => live.find(({ name }) => name === topic)?.retention ?? Infinity
  await prepareTopics(broker, [
    ...planned,
    ...others.map((topic) => ({ name: ledgerOf(topic), retention: 2 * retentionOf(topic), compacted: false })),
  ])
}
