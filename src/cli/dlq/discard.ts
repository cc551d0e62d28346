import { Command } from 'commander'
import { chosenLetters } from '../../redrive/choose.ts'
import { discardLetters } from '../../redrive/discard.ts'
import type { PlannedSource } from '../../topology/plan.ts'
import { accountName } from '../../deadletter/ledger/accountName.ts'
import { counted, print } from '../output.ts'
import { choiceOf, sourcesOf, withChoice, type ChoiceOptions } from './letterChoice.ts'
import { LeftAlone } from './leftAlone.ts'
import { openWorkbench } from './openLedger.ts'

export const dlqDiscardCommand = (): Command =>
  withChoice(
    new Command('discard')
      .summary('give dead letters up')
      .description(
        'Gives dead letters up: they are open no more, and with `order: key` what is parked behind them goes on. The letters stay on their topic until its retention deletes them.',
      ),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq discard orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706 --why 'a test order'
  oxbow dlq discard orders.yaml --key customer-17`,
    )
    .action(discard)

async function discard(path: string, ids: readonly string[], options: ChoiceOptions): Promise<void> {
  const choice = choiceOf(ids, options)
  const workbench = await openWorkbench(options, path, 'append')
  try {
    const sources = sourcesOf(workbench.plan, options.source)
    const lines: string[] = []
    const leftAlone = new LeftAlone('to discard them')
    const count = await discardLetters(chosenLetters(workbench, choice, leftAlone.add), {
      ...workbench,
      now: Date.now,
      by: accountName(),
      why: options.why ?? '',
      onDiscarded: ({ id: letter, source, record }) => {
        const line = { letter, source, key: record.key?.toString() ?? null, command: 'discard' }
        if (options.json) lines.push(`${JSON.stringify(line)}\n`)
      },
    })
    await print(options.json ? lines.join('') : `${summary(count, sources)}\n`)
    await leftAlone.print(workbench, choice)
  } finally {
    await workbench.close()
  }
}

function summary(letters: number, sources: readonly PlannedSource[]): string {
  const count = `${counted(letters, 'letter')} discarded`
  if (letters === 0 || !sources.some(({ deadLetters }) => deadLetters.parked)) return `${count}.`
  return `${count}; what is parked behind them goes on. The pipeline does it when it runs.`
}
