import { Command } from 'commander'
import { withChoice, type ChoiceOptions } from './letterChoice.ts'
import { sendCommands } from './sendCommands.ts'

export const dlqDiscardCommand = (): Command =>
  withChoice(
    new Command('discard')
      .summary('give dead letters up, so that their keys go on')
      .description(
        'Gives up dead letters of sources with `order: key`: their records stay dead, and those parked behind them go on. The letters stay on their topic until its retention deletes them.',
      ),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq discard orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706
  oxbow dlq discard orders.yaml --key customer-17`,
    )
    .action((file: string, ids: string[], options: ChoiceOptions) => sendCommands('discard', file, ids, options))
