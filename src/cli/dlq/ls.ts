import { Command } from 'commander'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { print, printJson, table } from '../output.ts'
import { keptFor } from '../../topology/topics.ts'
import { openLedger } from './openLedger.ts'

const columns = ['source', 'topic', 'open', 'redriving', 'resolved', 'discarded', 'retained', 'oldest'] as const

export const dlqListCommand = (): Command =>
  withBroker(
    new Command('ls')
      .summary('count the dead letters of each source')
      .description(
        'Counts the dead letters of each source by what became of them. `open` is their true number, `retained` what the topic keeps by its offsets, an upper bound.',
      )
      .argument('[file]', 'a config: its dead-letter topics, instead of every topic called dlq.… or holding letters')
      .option('--json', `one JSON object a topic: ${columns.join(', ')}, expired, expiring, warnings`),
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
  const letters = await openLedger(options, path)
  try {
    const now = Date.now()
    const wanted = letters.planned && keptFor(letters.planned.plan)
    const counts = await letters.ledger.counts(letters.names, now, wanted)
    const rows = counts.map(({ topic, oldest, expired, expiring, warnings, failures: _, ...count }, at) => ({
      source: letters.topics[at]!.source,
      topic,
      ...count,
      oldest: oldest === undefined ? null : new Date(oldest).toISOString(),
      expired,
      expiring,
      warnings,
    }))
    if (options.json) for (const row of rows) await printJson(row)
    else {
      await print(
        table(
          columns,
          rows.map((row) => columns.map((column) => row[column] ?? '-')),
        ),
      )
      for (const { topic, expired, warnings } of rows) await print(noteOf(topic, expired, warnings))
    }
  } finally {
    await letters.close()
  }
}

function noteOf(topic: string, expired: number, warnings: readonly string[]): string {
  const gone = expired > 0 ? [`${expired.toLocaleString('en-US')} were deleted while they were open`] : []
  return [...warnings, ...gone].map((warning) => `${topic}: ${warning}\n`).join('')
}
