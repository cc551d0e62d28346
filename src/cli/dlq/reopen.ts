import { Command } from 'commander'
import type { Disposition } from '../../deadletter/ledger/entry.ts'
import { reopenLetters } from '../../redrive/reopen.ts'
import { UsageError } from '../failure.ts'
import { counted, print } from '../output.ts'
import { accountName } from '../../deadletter/ledger/accountName.ts'
import { choiceOf, dispositionList, sourcesOf, withChoice, type ChoiceOptions } from './letterChoice.ts'
import { LeftAlone } from './leftAlone.ts'
import { openWorkbench } from './openLedger.ts'

interface ReopenOptions extends ChoiceOptions {
  readonly disposition: readonly Disposition[]
}

const usual = ['resolved', 'discarded'] as const
const allowed = [...usual, 'redriving'] as const

export const dlqReopenCommand = (): Command =>
  withChoice(
    new Command('reopen')
      .summary('open dead letters again that were dealt with')
      .description(
        'Has letters be open again that were resolved or discarded, so that they can be sent back once more: their records are processed then, whatever was made of them before.',
      ),
    'all letters that were dealt with',
  )
    .option(
      '--disposition <list>',
      `only those that are ${allowed.join(', ')}; redriving is for letters whose lane was deleted: what is still on its way would be processed twice`,
      dispositionList(allowed),
      usual,
    )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq reopen orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706 --why 'the sink lost it'
  oxbow dlq reopen orders.yaml --group 2-13ef5a9203026cf6 --disposition discarded --why 'needed after all'`,
    )
    .action(reopen)

async function reopen(path: string, ids: readonly string[], options: ReopenOptions): Promise<void> {
  const { disposition: dispositions, why, json } = options
  if (why === undefined) throw new UsageError('say why, with --why: the ledger keeps it')
  const choice = choiceOf(ids, options)
  const workbench = await openWorkbench(options, path, 'append')
  try {
    sourcesOf(workbench.plan, options.source)
    const lines: string[] = []
    const leftAlone = new LeftAlone('to open them again', dispositions)
    const count = await reopenLetters({
      ...workbench,
      ...{ choice, dispositions, now: Date.now, by: accountName(), why },
      onOther: leftAlone.add,
      onReopened: ({ letter: { id: letter, source, record } }) => {
        const line = { letter, source, key: record.key?.toString() ?? null, command: 'reopen' }
        if (json) lines.push(`${JSON.stringify(line)}\n`)
      },
    })
    await print(json ? lines.join('') : `${counted(count, 'letter')} opened again.\n`)
    await leftAlone.print(workbench, choice)
  } finally {
    await workbench.close()
  }
}
