import { Command } from 'commander'
import { groupEntryRecord, type GroupEntry } from '../../deadletter/ledger/entry.ts'
import { ensureLedgers } from '../../redrive/ensureLedgers.ts'
import { letterTopicsOf } from '../../topology/letterTopics.ts'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { CommandFailure, UsageError } from '../failure.ts'
import { accountName } from '../../deadletter/ledger/accountName.ts'
import { print } from '../output.ts'
import { openWorkbench, type Workbench } from './openLedger.ts'

interface ActionOptions extends BrokerOptions {
  readonly why?: string
}

export const dlqMuteCommand = (): Command =>
  action('mute', 'raise no alerts for groups of dead letters', {
    about: 'Mutes groups: their letters count as before, but no alert tells of the group. `unmute` takes it back.',
    to: 'muted',
    done: 'muted',
  })

export const dlqUnmuteCommand = (): Command =>
  action('unmute', 'take a mute back', { about: 'Takes `mute` back.', to: 'unmuted', done: 'no longer muted' })

export const dlqSplitCommand = (): Command =>
  action('split', 'take a merge back', {
    about: 'Takes `merge` back: letters of the groups stand in groups of their own again.',
    to: 'split',
    done: 'on their own again',
  })

interface Action {
  readonly about: string
  readonly to: GroupEntry['to']
  readonly done: string
}

const action = (name: string, summary: string, { about, to, done }: Action): Command =>
  withWhy(new Command(name).summary(summary).description(about)).action(
    async (file: string, groups: string[], options: ActionOptions) => {
      await decide(file, groups, to, options)
      await print(`${groups.join(', ')}: ${done}.\n`)
    },
  )

export const dlqMergeCommand = (): Command =>
  withWhy(
    new Command('merge')
      .summary('show several groups as one')
      .description(
        'Shows the letters of groups in another one of their topic, also those to come. `split` takes it back.',
      ),
  )
    .requiredOption('--into <group>', 'the group that they are to stand in')
    .action(async (file: string, groups: string[], options: ActionOptions & { readonly into: string }) => {
      if (groups.includes(options.into)) throw new UsageError(`${options.into} cannot be merged into itself`)
      await decide(file, groups, { mergedInto: options.into }, options)
      await print(`${groups.join(', ')}: merged into ${options.into}.\n`)
    })

const withWhy = (command: Command): Command =>
  withBroker(
    command
      .argument('<file>', 'the config of the pipeline')
      .argument('<group...>', 'fingerprints, as `oxbow dlq groups` shows them')
      .option('--why <text>', 'why: the ledger keeps it'),
  )

/** Writes what was decided into the ledgers of the groups' topics. @throws CommandFailure for groups that are not there */
async function decide(
  path: string,
  groups: readonly string[],
  to: GroupEntry['to'],
  options: ActionOptions,
): Promise<void> {
  const workbench = await openWorkbench(options, path, 'append')
  try {
    const named = typeof to === 'object' ? [...groups, to.mergedInto] : groups
    const topics = await topicsOfGroups(workbench, named)
    if (typeof to === 'object' && new Set(topics.values()).size > 1)
      throw new CommandFailure('groups of different dead-letter topics cannot be merged')
    await ensureLedgers(workbench.broker, workbench.plan, [...new Set(topics.values())])
    const said = { to, by: accountName(), why: options.why ?? '', at: Date.now() }
    const outputs = groups.map((group) => groupEntryRecord(topics.get(group)!, { group, ...said }))
    await workbench.broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
  } finally {
    await workbench.close()
  }
}

async function topicsOfGroups(
  { ledger, plan }: Workbench,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = letterTopicsOf(plan).map(({ topic }) => topic)
  await ledger.follow(names)
  const found = new Map(wanted.flatMap((group) => ledger.topicsOfGroup(group, names).map((topic) => [group, topic])))
  const missing = wanted.filter((group) => !found.has(group))
  if (missing.length === 0) return found
  throw new CommandFailure(`no such group: ${missing.join(', ')}; \`oxbow dlq groups ${plan.name}.yaml\` shows them`)
}
