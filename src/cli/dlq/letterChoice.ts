import { InvalidArgumentError, type Command } from 'commander'
import type { Disposition } from '../../deadletter/ledger/entry.ts'
import { letterCondition, letterVariables, type Choice } from '../../redrive/choose.ts'
import { externalSources, type Plan, type PlannedSource } from '../../topology/plan.ts'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { UsageError } from '../failure.ts'

/** Which dead letters a command is about. */
export interface ChoiceOptions extends BrokerOptions {
  readonly group?: string
  readonly where?: string
  readonly key?: string
  readonly source?: string
  readonly topic?: string
  readonly formerly?: string
  readonly all?: true
  readonly why?: string
  readonly json?: true
}

export const withChoice = (command: Command, all = 'all letters'): Command =>
  withWriters(
    withChoosing(
      withBroker(command.argument('<file>', 'the config of the pipeline').argument('[letter...]', 'ids of letters')),
      all,
    ),
  )
    .option('--why <text>', 'why: the ledger keeps it')
    .option('--json', 'one JSON object a letter: letter, source, key, command')

/** The options that say of whom letters are. */
const withWriters = (command: Command): Command =>
  command
    .option('--topic <name>', 'those on this topic, whoever wrote them, instead of those that the pipeline writes to')
    .option('--formerly <name>', 'also letters that the pipeline wrote when it had this name')

/** The options that choose letters. @param all what `--all` says */
export const withChoosing = (command: Command, all: string): Command =>
  command
    .option('--group <fingerprint>', 'the letters that failed alike')
    .option('--where <cel>', `a condition over ${letterVariables.join(', ')}`)
    .option('--key <key>', 'the letters of a key')
    .option('--all', all)
    .option('--source <name>', 'only those of a source')

/** Reads "resolved,discarded" of those that are allowed. */
export const dispositionList =
  (allowed: readonly Disposition[]) =>
  (text: string): readonly Disposition[] => {
    const list = text.split(',').map((each) => each.trim() as Disposition)
    if (list.every((each) => allowed.includes(each))) return list
    throw new InvalidArgumentError(`expected some of ${allowed.join(', ')}, with commas between.`)
  }

/** The sources of a plan, or the one that is wanted. @throws UsageError where there is none of that name */
export function sourcesOf(plan: Plan, wanted: string | undefined): readonly PlannedSource[] {
  const sources = externalSources(plan)
  const found = sources.filter(({ name }) => name === (wanted ?? name))
  if (found.length > 0) return found
  throw new UsageError(`${plan.name} has no source ${wanted}, only ${sources.map(({ name }) => name).join(', ')}`)
}

/** @throws UsageError where it is not said which letters, or in several ways, or the condition is none */
export function choiceOf(ids: readonly string[], { group, where, key, all, ...others }: ChoiceOptions): Choice {
  const narrowed = [group, where, key].filter((each) => each !== undefined)
  const isSaid = ids.length > 0 ? narrowed.length === 0 && !all : narrowed.length > 0 !== (all === true)
  if (!isSaid) throw new UsageError('say which letters: by their ids, by --group, --where or --key, or --all')
  return {
    ...(ids.length > 0 && { ids }),
    ...(group !== undefined && { group }),
    ...(key !== undefined && { key }),
    ...(where !== undefined && { where: conditionOf(where) }),
    ...(others.source !== undefined && { source: others.source }),
    ...(others.topic !== undefined && { topic: others.topic }),
    ...(others.formerly !== undefined && { formerly: others.formerly }),
  }
}

function conditionOf(text: string): NonNullable<Choice['where']> {
  const parsed = letterCondition().safeParse(text)
  if (parsed.success) return parsed.data
  throw new UsageError(`--where: ${parsed.error.issues[0]!.message}`)
}
