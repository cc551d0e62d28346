import { Command } from 'commander'
import { withChoice, type ChoiceOptions } from './letterChoice.ts'
import { sendCommands } from './sendCommands.ts'

export const dlqRedriveCommand = (): Command =>
  withChoice(
    new Command('redrive')
      .summary('send dead letters back to the operators that failed')
      .description(
        'Sends dead letters of sources with `order: key` back to the operators that failed, over a private lane; the records parked behind them follow in order. One that fails again returns under the same id, with one more hop.',
      ),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq redrive orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706
  oxbow dlq redrive orders.yaml --key customer-17
  oxbow dlq redrive orders.yaml --all --source orders.v1`,
    )
    .action((file: string, ids: string[], options: ChoiceOptions) => sendCommands('redrive', file, ids, options))
