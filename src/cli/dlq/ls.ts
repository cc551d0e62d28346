import { Command } from 'commander'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { print, printJson, table } from '../output.ts'
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
      .option('--json', `one JSON object a topic: ${columns.join(', ')}, expired, expiring`),
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
    const counts = await letters.ledger.counts(letters.names, now)
    const rows = counts.map(({ topic, oldest, expired, expiring, failures: _, ...count }, at) => ({
      source: letters.topics[at]!.source,
      topic,
      ...count,
      oldest: oldest === undefined ? null : new Date(oldest).toISOString(),
      expired,
      expiring,
    }))
    if (options.json) for (const row of rows) await printJson(row)
    else {
      await print(
        table(
          columns,
          rows.map((row) => columns.map((column) => row[column] ?? '-')),
        ),
      )
      for (const { topic, expired, expiring } of rows) await print(warningOf(topic, expired, expiring))
    }
  } finally {
    await letters.close()
  }
}

function warningOf(topic: string, expired: number, expiring: number): string {
  const soon =
    expiring > 0 ? [`${expiring.toLocaleString('en-US')} open will be deleted by retention within a day`] : []
  const gone = expired > 0 ? [`${expired.toLocaleString('en-US')} were deleted while they were open`] : []
  return [...soon, ...gone].map((warning) => `${topic}: ${warning}\n`).join('')
}
