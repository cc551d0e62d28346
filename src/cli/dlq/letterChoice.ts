import type { Command } from 'commander'
import type { Broker } from '../../broker/broker.ts'
import { condition, ExpressionFault, type Condition } from '../../component/expression.ts'
import { decodeValue } from '../../component/value.ts'
import type { Letter } from '../../deadletter/readLetter.ts'
import { externalSources, type Plan, type PlannedSource } from '../../topology/plan.ts'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { CommandFailure, UsageError } from '../failure.ts'
import { openLetters } from './openLetters.ts'

/** Which dead letters a command is about. */
export interface ChoiceOptions extends BrokerOptions {
  readonly group?: string
  readonly where?: string
  readonly key?: string
  readonly source?: string
  readonly all?: true
  readonly why?: string
  readonly json?: true
}

export const withChoice = (command: Command): Command =>
  withBroker(
    command
      .argument('<file>', 'the config of the pipeline')
      .argument('[letter...]', 'ids of letters')
      .option('--group <fingerprint>', 'the letters that failed alike')
      .option('--where <cel>', `a condition over ${variables.join(', ')}`)
      .option('--key <key>', 'the letters of a key')
      .option('--all', 'all letters')
      .option('--source <name>', 'only those of a source')
      .option('--why <text>', 'why: the ledger keeps it')
      .option('--json', 'one JSON object a letter: letter, source, key, command'),
  )

const variables = ['fault', 'operator', 'source', 'key', 'headers', 'value', 'failedAt', 'attempts', 'hops']

/** The sources of a plan, or the one that is wanted. @throws UsageError where there is none of that name */
export function sourcesOf(plan: Plan, wanted: string | undefined): readonly PlannedSource[] {
  const sources = externalSources(plan)
  const found = sources.filter(({ name }) => name === (wanted ?? name))
  if (found.length > 0) return found
  throw new UsageError(`${plan.name} has no source ${wanted}, only ${sources.map(({ name }) => name).join(', ')}`)
}

/** The open letters that were chosen. @throws UsageError CommandFailure */
export async function* chosenLetters(
  broker: Broker,
  plan: Plan,
  ids: readonly string[],
  options: ChoiceOptions,
): AsyncGenerator<Letter> {
  const fits = fitting(ids, options)
  const sources = sourcesOf(plan, options.source)
  const names = new Set(sources.map(({ name }) => name))
  const missing = new Set(ids)
  const chosen: Letter[] = []
  for await (const letter of openLetters(broker, [...new Set(sources.map(({ deadLetters }) => deadLetters.topic))])) {
    if (!names.has(letter.source) || !isOf(plan, letter) || !fits(letter)) continue
    if (ids.length === 0) yield letter
    else if (missing.delete(letter.id)) chosen.push(letter)
  }
  if (missing.size > 0) throw new CommandFailure(`no such open letter: ${[...missing].join(', ')}; nothing was done`)
  yield* chosen
}

/** Whether the pipeline wrote it, or its retry pipeline did. */
const isOf = ({ name }: Plan, { pipeline }: Letter): boolean => pipeline === name || pipeline === `${name}.retry`

/** @throws UsageError where it is not said which letters, or in several ways, or the condition is none */
function fitting(ids: readonly string[], { group, where, key, all }: ChoiceOptions): (letter: Letter) => boolean {
  const narrowed = [group, where, key].filter((each) => each !== undefined)
  const isSaid = ids.length > 0 ? narrowed.length === 0 && !all : narrowed.length > 0 !== (all === true)
  if (!isSaid) throw new UsageError('say which letters: by their ids, by --group, --where or --key, or --all')
  const wanted = new Set(ids)
  const holds = where === undefined ? () => true : conditionOf(where)
  return (letter) =>
    (wanted.size === 0 || wanted.has(letter.id)) &&
    (group === undefined || letter.fingerprint === group) &&
    (key === undefined || letter.record.key?.toString() === key) &&
    holds(letter)
}

/** A letter that the condition cannot be asked of, such as for a field that it does not have, does not fit. */
function conditionOf(text: string): (letter: Letter) => boolean {
  const parsed = condition(variables).safeParse(text)
  if (!parsed.success) throw new UsageError(`--where: ${parsed.error.issues[0]!.message}`)
  return (letter) => holdsOf(parsed.data, letter)
}

function holdsOf(wanted: Condition, letter: Letter): boolean {
  const { fault, operator, source, failedAt, attempts, hops, record } = letter
  const { key, value, headers } = record
  const read = decodeValue(value, 'json')
  try {
    return wanted.holds({
      fault: { code: fault.code, message: fault.message },
      ...{ operator, source, attempts, hops },
      failedAt: new Date(failedAt),
      key: key?.toString() ?? null,
      value: 'fault' in read ? value!.toString() : read.value,
      headers: Object.fromEntries(headers.map(([name, bytes]) => [name, bytes?.toString() ?? null])),
    })
  } catch (thrown) {
    if (thrown instanceof ExpressionFault) return false
    throw thrown
  }
}
