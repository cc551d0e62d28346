import { Command } from 'commander'
import { dlqDiscardCommand } from './dlq/discard.ts'
import { dlqExportCommand } from './dlq/export.ts'
import { dlqGroupsCommand } from './dlq/groups.ts'
import { dlqEditCommand } from './dlq/edit.ts'
import { dlqMergeCommand, dlqMuteCommand, dlqSplitCommand, dlqUnmuteCommand } from './dlq/groupActions.ts'
import { dlqImportCommand } from './dlq/import.ts'
import { dlqListCommand } from './dlq/ls.ts'
import { dlqPurgeCommand } from './dlq/purge.ts'
import { dlqRedriveCommand } from './dlq/redrive.ts'
import { dlqRehearseCommand } from './dlq/rehearse.ts'
import { dlqReleaseCommand } from './dlq/release.ts'
import { dlqReopenCommand } from './dlq/reopen.ts'
import { dlqShowCommand } from './dlq/show.ts'
import { dlqTestCommand } from './dlq/test.ts'

export const dlqCommand = (): Command =>
  new Command('dlq')
    .description('Looks into dead letters, what failed, where and why, and says what becomes of them.')
    .addCommand(dlqListCommand())
    .addCommand(dlqGroupsCommand())
    .addCommand(dlqShowCommand())
    .addCommand(dlqRehearseCommand())
    .addCommand(dlqRedriveCommand())
    .addCommand(dlqEditCommand())
    .addCommand(dlqDiscardCommand())
    .addCommand(dlqReopenCommand())
    .addCommand(dlqReleaseCommand())
    .addCommand(dlqTestCommand())
    .addCommand(dlqExportCommand())
    .addCommand(dlqImportCommand())
    .addCommand(dlqPurgeCommand())
    .addCommand(dlqMuteCommand())
    .addCommand(dlqUnmuteCommand())
    .addCommand(dlqMergeCommand())
    .addCommand(dlqSplitCommand())
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq ls
  oxbow dlq show dlq.orders.v1
  oxbow dlq redrive orders.yaml --key customer-17`,
    )
