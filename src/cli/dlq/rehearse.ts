import { Command, Option } from 'commander'
import { createLog } from '../../monitor/log.ts'
import { chosenLetters } from '../../redrive/choose.ts'
import { RehearsalReport, type RehearsedGroup } from '../../redrive/rehearsalReport.ts'
import { rehearse, type RehearsedOutput } from '../../redrive/rehearse.ts'
import { CommandFailure, Exit, exitCodes } from '../failure.ts'
import { counted, print, printable, printJson, table } from '../output.ts'
import { onStopSignal } from '../signals.ts'
import { choiceOf, sourcesOf, withChoice, type ChoiceOptions } from './letterChoice.ts'
import { LeftAlone } from './leftAlone.ts'
import { openWorkbench } from './openLedger.ts'
import { fixOf } from './redrive.ts'

interface RehearseOptions extends ChoiceOptions {
  readonly to: 'operator' | 'source'
  readonly fix?: string
  /** False for --no-state. */
  readonly state: boolean
  readonly failOn: 'any' | 'new' | 'none'
}

export const dlqRehearseCommand = (): Command =>
  withChoice(
    new Command('rehearse')
      .summary('try a config on dead letters, and change nothing')
      .description(
        'Runs a config over open dead letters of its pipeline, from their source records on, and says of each group what would become of it: passes, same fault, new fault. Sinks are not written to and nothing is committed; operators that ask outside (enrich) do ask.',
      ),
    'all letters (the default)',
  )
    .addOption(
      new Option('--to <where>', 'from the source on, or from the operator that failed')
        .choices(['source', 'operator'])
        .default('source'),
    )
    .option('--fix <cel>', 'an expression over the record, whose result becomes its value')
    .option('--no-state', 'operators start with nothing, instead of a copy of what they keep now')
    .addOption(
      new Option('--fail-on <faults>', 'exit with 1 where letters still fail: in any way, in a new way, or never')
        .choices(['any', 'new', 'none'])
        .default('any'),
    )
    .addHelpText(
      'after',
      `
Exit code 0 when all letters pass (see --fail-on), 1 when not: a gate before a deployment.

Examples:
  oxbow dlq rehearse orders.yaml
  oxbow dlq rehearse orders.yaml --group 2-0f5e2b4c9d8a7f6e --json
  oxbow dlq rehearse orders.yaml --where 'failedAt > timestamp("2026-01-01T00:00:00Z")' --fail-on new`,
    )
    .action(rehearseLetters)

/** Progress is said so often, in milliseconds. */
const saysEvery = 2_000

async function rehearseLetters(path: string, ids: readonly string[], options: RehearseOptions): Promise<void> {
  const narrowed = ids.length > 0 || [options.group, options.where, options.key].some((each) => each !== undefined)
  const choice = choiceOf(ids, narrowed ? options : { ...options, all: true })
  const workbench = await openWorkbench(options, path, 'read')
  const stop = new AbortController()
  onStopSignal(() => stop.abort())
  const report = new RehearsalReport()
  const leftAlone = new LeftAlone('to rehearse them')
  let next = Date.now() + saysEvery
  try {
    sourcesOf(workbench.plan, options.source)
    const rehearsed = rehearse(chosenLetters(workbench, choice, leftAlone.add), {
      ...workbench,
      ...fixOf(options),
      to: options.to,
      state: options.state,
      now: Date.now(),
      log: createLog({ level: 'silent' }),
      signal: stop.signal,
      onProgress: (count) => {
        if (Date.now() < next) return
        next = Date.now() + saysEvery
        console.error(`${counted(count, 'letter')} rehearsed`)
      },
    })
    for await (const each of rehearsed) report.add(each)
    await leftAlone.print(workbench, choice)
  } catch (thrown) {
    if ((thrown as Error).name !== 'StateUnusable') throw thrown
    throw new CommandFailure(`${(thrown as Error).message} Or rehearse with --no-state.`, { cause: thrown })
  } finally {
    await workbench.close()
  }
  if (options.json) for (const group of report.groups) await printJson(asJson(group))
  else await printReport(report)
  if (stop.signal.aborted) throw new Exit(exitCodes.interrupted)
  if (isFailed(report, options.failOn)) throw new Exit(exitCodes.failed)
}

function isFailed(report: RehearsalReport, failOn: RehearseOptions['failOn']): boolean {
  const fresh = report.count('new fault')
  if (failOn === 'none') return false
  return failOn === 'new'
    ? fresh > 0
    : fresh + report.count('same fault') + report.count('refused') + report.count('held') > 0
}

const columns = ['group', 'letters', 'passes', 'same fault', 'new fault', 'refused', 'held', 'operator', 'fault']

async function printReport(report: RehearsalReport): Promise<void> {
  if (report.groups.length === 0) return print('There are no open letters to rehearse.\n')
  const rows = report.groups.map(({ fingerprint, letters, counts, operator, code }) => [
    ...[fingerprint, letters, counts.passes, counts['same fault'], counts['new fault'], counts.refused, counts.held],
    ...[operator, code],
  ])
  await print(table(columns, rows))
  for (const group of report.groups) await print(examplesOf(group))
}

function examplesOf({ fingerprint, message, examples }: RehearsedGroup): string {
  const lines = examples.flatMap(({ letter, outcome, outputs }) => {
    switch (outcome.is) {
      case 'passes':
        return [
          `  ${letter} passes${outputs.length === 0 ? ', and nothing is written for it' : ':'}`,
          ...outputs.map(outputText),
        ]
      case 'new fault':
        return [
          `  ${letter} has a new fault:`,
          `    - ${message}`,
          `    + ${outcome.failed.operator}, ${outcome.failed.fault.code}: ${outcome.failed.fault.message}`,
        ]
      case 'same fault':
        return [`  ${letter} fails as before: ${outcome.failed.fault.message}`]
      case 'refused':
        return [`  ${letter} cannot be sent back: ${outcome.why}`]
      case 'held':
        return [`  ${letter} is held by an operator`]
    }
  })
  return printable(`${fingerprint}\n${lines.join('\n')}\n`)
}

const outputText = ({ sink, value }: RehearsedOutput): string => `    + ${sink}: ${JSON.stringify(value)}`

function asJson({ examples, message, counts, ...group }: RehearsedGroup): object {
  const { passes, refused, held } = counts
  return {
    ...group,
    message,
    passes,
    sameFault: counts['same fault'],
    newFault: counts['new fault'],
    refused,
    held,
    examples: examples.map(({ letter, outcome, outputs }) => ({
      letter,
      outcome: outcome.is,
      ...('failed' in outcome && {
        operator: outcome.failed.operator,
        code: outcome.failed.fault.code,
        message: outcome.failed.fault.message,
      }),
      ...('why' in outcome && { why: outcome.why }),
      outputs,
    })),
  }
}
