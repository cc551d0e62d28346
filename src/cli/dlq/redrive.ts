import { randomUUID } from 'node:crypto'
import { InvalidArgumentError, type Command as CommandType, Command } from 'commander'
import { asyncScheduler } from 'rxjs'
import { expression } from '../../component/expression.ts'
import { topicName } from '../../component/fields.ts'
import { chosenLetters } from '../../redrive/choose.ts'
import type { Fix } from '../../redrive/fix.ts'
import { forecast } from '../../redrive/forecast.ts'
import { sendLetters, type SendOptions, type Sent } from '../../redrive/send.ts'
import type { Plan } from '../../topology/plan.ts'
import { Exit, exitCodes, UsageError } from '../failure.ts'
import { accountName } from '../../deadletter/ledger/accountName.ts'
import { counted, print } from '../output.ts'
import { onStopSignal } from '../signals.ts'
import { choiceOf, sourcesOf, withChoice, type ChoiceOptions } from './letterChoice.ts'
import { LeftAlone } from './leftAlone.ts'
import { openWorkbench } from './openLedger.ts'
import { Refused } from './refused.ts'

export interface WayOptions {
  readonly to?: string
  readonly rate?: number
  readonly canary?: number
  readonly dryRun?: true
}

type RedriveOptions = ChoiceOptions & WayOptions & { readonly fix?: string }

export const withWay = (command: CommandType): CommandType =>
  command
    .option('--to <where>', 'operator (what failed), source (all steps again), or the name of a topic', 'operator')
    .option('--dry-run', 'say what would be sent, and send nothing')

export const dlqRedriveCommand = (): Command =>
  withWay(
    withChoice(
      new Command('redrive')
        .summary('send dead letters back')
        .description(
          'Sends open dead letters back, over a private lane of their source: to the operators that failed, to their sources, or to another topic. One that fails again returns under the same id, with one more hop. What is interrupted goes on where it was when the command is given again.',
        ),
    ),
  )
    .option('--fix <cel>', 'an expression over the record that goes back, whose result becomes its value')
    .option('--rate <number>', 'letters a second, at most', positive)
    .option('--canary <number>', 'so many go first; the others follow when all of those have passed', positive)
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq redrive orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706
  oxbow dlq redrive orders.yaml --group 2-13ef5a9203026cf6 --canary 10 --rate 500
  oxbow dlq redrive orders.yaml --where 'fault.code == "record.invalid" && value.price < 0' --to source \\
    --fix 'record.with({"price": 0.0})' --dry-run
  oxbow dlq redrive orders.yaml --all --source orders.v1 --to orders.later`,
    )
    .action((file: string, ids: string[], options: RedriveOptions) => redrive(file, ids, options, fixOf(options).fix))

/** @throws UsageError for what is no expression */
export function fixOf({ fix }: { readonly fix?: string }): { readonly fix?: Fix } {
  if (fix === undefined) return {}
  const parsed = expression().safeParse(fix)
  if (parsed.success) return { fix: { expression: parsed.data } }
  throw new UsageError(`--fix: ${parsed.error.issues[0]!.message}`)
}

/** Sends the letters that are chosen, and says how it goes. @throws Exit where not all of them went */
export async function redrive(
  path: string,
  ids: readonly string[],
  options: ChoiceOptions & WayOptions,
  fix: Fix | undefined,
): Promise<void> {
  const to = targetOf(options.to ?? 'operator')
  const choice = { ...choiceOf(ids, options), ...(typeof to === 'object' && { target: to.topic }) }
  if (typeof to === 'object' && (fix || options.canary !== undefined))
    throw new UsageError(
      `what goes to ${to.topic} goes as it is, and nobody says what becomes of it: leave out --fix and --canary`,
    )
  const workbench = await openWorkbench(options, path, options.dryRun ? 'read' : 'append')
  const stop = new AbortController()
  onStopSignal(() => stop.abort())
  const refused = new Refused()
  const leftAlone = new LeftAlone('to send them through once more')
  const sending: SendOptions = {
    ...workbench,
    ...{ to, scheduler: asyncScheduler, signal: stop.signal },
    ...(fix && { fix }),
    ...(options.rate !== undefined && { rate: options.rate }),
    ...(options.canary !== undefined && { canary: options.canary }),
    redrive: randomUUID(),
    by: accountName(),
    why: options.why ?? '',
    onRefused: (letter, why) => refused.add(letter, why),
  }
  try {
    sourcesOf(workbench.plan, options.source)
    const letters = chosenLetters(workbench, choice, leftAlone.add)
    const sent = options.dryRun
      ? await forecast(letters, { ...sending, now: Date.now })
      : await send(letters, sending, options)
    await refused.print(options.json === true)
    await leftAlone.print(workbench, choice)
    if (!options.json) await print(`${summary(sent, sending, options)}\n`)
    if (stop.signal.aborted) throw new Exit(exitCodes.interrupted)
    if (sent.refused > 0 || isStopped(sent)) throw new Exit(exitCodes.failed)
  } finally {
    await workbench.close()
  }
}

function targetOf(to: string): SendOptions['to'] {
  if (to === 'operator' || to === 'source') return to
  const named = topicName().safeParse(to)
  if (!named.success) throw new UsageError(`--to: \`${to}\`: ${named.error.issues[0]!.message}`)
  return { topic: to }
}

type Letters = ReturnType<typeof chosenLetters>

/** Progress is said so often, in milliseconds. */
const saysEvery = 2_000

async function send(letters: Letters, sending: SendOptions, { json }: ChoiceOptions): Promise<Sent> {
  let next = Date.now() + saysEvery
  const lines: string[] = []
  const flush = async () => (lines.length > 0 ? print(lines.splice(0).join('')) : undefined)
  const sent = await sendLetters(letters, {
    ...sending,
    onSent: ({ id, source, record }) => {
      const line = {
        letter: id,
        source,
        key: record.key?.toString() ?? null,
        command: 'redrive',
        redrive: sending.redrive,
      }
      if (json) lines.push(`${JSON.stringify(line)}\n`)
    },
    onProgress: ({ sent: count }) => {
      void flush()
      if (Date.now() < next) return
      next = Date.now() + saysEvery
      console.error(`${counted(count, 'letter')} sent`)
    },
  })
  await flush()
  return sent
}

const isStopped = ({ canary }: Sent): boolean => canary !== undefined && canary.passed < canary.sent

function summary(sent: Sent, { to, plan }: SendOptions, { dryRun }: WayOptions): string {
  const { canary } = sent
  const count = `${counted(sent.sent, 'letter')} ${dryRun ? 'would be ' : ''}sent`
  if (canary && isStopped(sent)) {
    const { passed, failed } = canary
    return `${count} first, of which ${passed} passed and ${failed} failed again; no more were sent.`
  }
  if (typeof to === 'object') return `${count} to ${to.topic}.`
  const where = to === 'source' ? 'back, from the source on' : 'back to the operators that failed'
  const follows = isOrdered(plan) ? '; what is parked behind them follows' : ''
  return `${count} ${where}${follows}. The pipeline does it when it runs.`
}

const isOrdered = ({ subtopologies }: Plan): boolean =>
  subtopologies.some(({ sources }) => sources.some(({ deadLetters }) => deadLetters.parked))

function positive(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('expected a whole number from 1 on.')
  return Number(text)
}
