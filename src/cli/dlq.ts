import { Command } from 'commander'
import { dlqListCommand } from './dlq/ls.ts'
import { dlqShowCommand } from './dlq/show.ts'

export const dlqCommand = (): Command =>
  new Command('dlq')
    .description('Looks into dead letters: what failed, where and why.')
    .addCommand(dlqListCommand())
    .addCommand(dlqShowCommand())
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq ls
  oxbow dlq show dlq.orders.v1`,
    )
