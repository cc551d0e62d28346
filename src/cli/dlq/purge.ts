import { Command, InvalidArgumentError } from 'commander'
import { readDate } from '../../component/dates.ts'
import type { Disposition } from '../../deadletter/ledger/entry.ts'
import { findPrefixes, purge, type Prefix } from '../../redrive/purge.ts'
import { confirmed } from '../confirm.ts'
import { withBroker } from '../brokerOptions.ts'
import { Exit, exitCodes } from '../failure.ts'
import { accountName } from '../../deadletter/ledger/accountName.ts'
import { counted, print, printJson } from '../output.ts'
import { choiceOf, dispositionList, sourcesOf, withChoosing, type ChoiceOptions } from './letterChoice.ts'
import { openWorkbench } from './openLedger.ts'

interface PurgeOptions extends ChoiceOptions {
  readonly before?: number
  readonly disposition: readonly Disposition[]
  readonly open?: true
  readonly yes?: true
}

const closed = ['resolved', 'discarded'] as const

export const dlqPurgeCommand = (): Command =>
  withChoosing(
    withBroker(
      new Command('purge')
        .summary('delete dead letters for good')
        .description(
          'Deletes dead letters that are done with from their topics, for good. A topic can only be deleted from its start on: in each partition all goes up to the first letter that is to stay. The ledger keeps what became of them, and why they were deleted.',
        )
        .argument('<file>', 'the config of the pipeline')
        .argument('[letter...]', 'ids of letters'),
    ),
    'all letters that are done with',
  )
    .option('--before <date>', 'letters that failed before, ISO 8601', time)
    .option('--disposition <list>', `only those that are ${closed.join(', ')}`, dispositionList(closed), closed)
    .option('--open', 'letters that are open too: they are discarded')
    .requiredOption('--why <text>', 'why: the ledger keeps it')
    .option('--yes', 'do not ask')
    .option('--json', 'one JSON object a partition: topic, partition, letters, open, from, start, kept, stays')
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq purge orders.yaml --all --why 'all sent back'
  oxbow dlq purge orders.yaml --before 2026-01-01 --open --why 'too old to matter' --yes`,
    )
    .action(purgeLetters)

function time(text: string): number {
  const date = readDate(text, 'iso', 'UTC')
  if (date === undefined) throw new InvalidArgumentError('expected a date, such as 2026-01-01 or 2026-01-01T12:00:00Z.')
  return Date.parse(date)
}

async function purgeLetters(path: string, ids: readonly string[], options: PurgeOptions): Promise<void> {
  const isNarrowed = [options.group, options.where, options.key].some((each) => each !== undefined) || ids.length > 0
  const isSaid = options.before !== undefined || options.disposition !== closed
  const choice = choiceOf(ids, isNarrowed || !isSaid ? options : { ...options, all: true })
  const workbench = await openWorkbench(options, path, 'append')
  try {
    const { before, disposition, open, why = '' } = options
    const sources = sourcesOf(workbench.plan, options.source)
    const parts = {
      ...workbench,
      topics: [...new Set(sources.map(({ deadLetters }) => deadLetters.topic))],
      choice,
      dispositions: open ? [...disposition, 'open' as const] : disposition,
      ...(before !== undefined && { before }),
    }
    const found = await findPrefixes(parts)
    const going = found.filter(({ from, until }) => until > from)
    const letters = going.reduce((sum, prefix) => sum + prefix.letters, 0)
    if (!options.json) for (const prefix of found) await print(planned(prefix))
    const question = `Delete ${counted(letters, 'letter')} for good?`
    if (going.length > 0 && !(options.yes ?? (await confirmed(question)))) {
      console.error('Nothing was deleted.')
      throw new Exit(exitCodes.failed)
    }
    const starts = await purge(going, parts, { now: Date.now, by: accountName(), why })
    for (const prefix of found) await report(prefix, starts.get(prefix) ?? prefix.from, options)
    if (!options.json) await print(`${counted(letters, 'letter')} purged.\n`)
  } finally {
    await workbench.close()
  }
}

function planned({ topic, partition, letters, open, until, end, stays }: Prefix): string {
  const ofThem = open > 0 ? `, ${counted(open, 'open one')} among them` : ''
  const rest = stays === undefined ? '' : `; ${counted(Number(end - until), 'offset')} from ${until} on stay: ${stays}`
  return `${topic}/${partition}: ${counted(letters, 'letter')} to delete${ofThem}${rest}\n`
}

/** Brokers delete whole batches or segments: what of the last one stays is said. */
async function report(prefix: Prefix, start: bigint, { json }: PurgeOptions): Promise<void> {
  const { topic, partition, letters, open, from, until, stays = null } = prefix
  const kept = Number(until - start)
  if (json) return printJson({ topic, partition, letters, open, from: Number(from), start: Number(start), kept, stays })
  if (kept > 0)
    await print(
      `${topic}/${partition}: ${counted(kept, 'offset')} of them lie in one batch with what stays, and go when that does\n`,
    )
}
