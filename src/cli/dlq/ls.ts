import { Command } from 'commander'
import { countLetters } from '../../deadletter/ledger.ts'
import { countsOf } from '../../topology/conservation.ts'
import { letterLedger } from '../../topology/letterLedger.ts'
import { externalSources, type Plan } from '../../topology/plan.ts'
import { openPlace, placeOf, withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { print, printJson, table } from '../output.ts'
import { findLetterTopics, type LetterTopic } from './letterTopics.ts'

const columns = ['source', 'topic', 'open', 'redriving', 'resolved', 'discarded', 'retained', 'oldest']

export const dlqListCommand = (): Command =>
  withBroker(
    new Command('ls')
      .summary('count the dead letters of each source')
      .description(
        'Counts the dead letters of each source. `open` is their true number, `retained` what the topic keeps.',
      )
      .argument('[file]', 'a config: its dead-letter topics, instead of every topic called dlq.… or holding letters')
      .option('--json', `one JSON object a topic: ${columns.join(', ')}`),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq ls
  oxbow dlq ls orders.yaml --json`,
    )
    .action(listLetters)

async function listLetters(path: string | undefined, options: BrokerOptions & { readonly json?: true }): Promise<void> {
  // Reading a config loads every component, which is not needed otherwise.
  const planned = path === undefined ? undefined : (await import('../plans.ts')).readPlan(path)
  const broker = await openPlace(placeOf(options, planned?.file), 'read')
  try {
    const wanted = planned ? topicsOfPlan(planned.plan) : await findLetterTopics(broker)
    const counts = await countLetters(
      broker,
      wanted.map(({ topic }) => topic),
      planned && letterLedger(planned.plan, await countsOf(broker, planned.plan.name)),
    )
    const rows = counts.map(({ topic, open, redriving, resolved, discarded, retained, oldest }, at) => ({
      source: wanted[at]!.source,
      topic,
      open,
      redriving,
      resolved,
      discarded,
      retained,
      oldest: oldest === undefined ? null : new Date(oldest).toISOString(),
    }))
    if (options.json) for (const row of rows) await printJson(row)
    else
      await print(
        table(
          columns,
          rows.map((row) => Object.values(row).map((cell) => cell ?? '-')),
        ),
      )
  } finally {
    await broker.close()
  }
}

function topicsOfPlan(plan: Plan): LetterTopic[] {
  const byTopic = Map.groupBy(externalSources(plan), ({ deadLetters }) => deadLetters.topic)
  return [...byTopic].map(([topic, group]) => ({ topic, source: group.map(({ name }) => name).join(', ') }))
}
