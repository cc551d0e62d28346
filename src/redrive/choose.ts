import type { Broker } from '../broker/broker.ts'
import { condition, ExpressionFault, type Condition } from '../component/expression.ts'
import { decodeValue } from '../component/value.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import { externalSources, type Plan } from '../topology/plan.ts'
import { openLetters, openLettersById } from './openLetters.ts'

/** Which open letters of a pipeline: those that all of it fits; all of them where nothing is said. */
export interface Choice {
  readonly ids?: readonly string[]
  /** The fingerprint of letters that failed alike. */
  readonly group?: string
  readonly key?: string
  /** Over `letterVariables`. */
  readonly where?: Condition
  /** Of a source; of the whole pipeline when absent. */
  readonly source?: string
}

export interface ChoiceParts {
  readonly broker: Broker
  readonly ledger: Ledger
  readonly plan: Plan
}

/** What a condition on letters speaks of. */
export const letterVariables = [
  'fault',
  'operator',
  'source',
  'key',
  'headers',
  'value',
  'failedAt',
  'attempts',
  'hops',
] as const

/** A condition on letters, from its text. */
export const letterCondition = () => condition(letterVariables)

/** Letters that were named are not there, or not open. Nothing was done. */
export class NoSuchLetter extends Error {
  override readonly name = 'NoSuchLetter'
}

/** The open letters of a pipeline that were chosen, the oldest of a partition first. @throws NoSuchLetter */
export async function* chosenLetters({ broker, ledger, plan }: ChoiceParts, choice: Choice): AsyncGenerator<Letter> {
  const { ids, source, group } = choice
  const sources = externalSources(plan).filter(({ name }) => name === (source ?? name))
  const names = new Set(sources.map(({ name }) => name))
  const topics = [...new Set(sources.map(({ deadLetters }) => deadLetters.topic))]
  // As the ledger groups them: some are merged.
  const isInGroup = ({ id }: Letter) => group === undefined || ledger.letter(id)?.fingerprint === group
  const isChosen = (letter: Letter) =>
    names.has(letter.source) && isOf(plan, letter) && fits(letter, choice) && isInGroup(letter)
  if (ids) {
    const letters = await openLettersById(broker, ledger, topics, ids)
    const missing = ids.filter((_, at) => !letters[at] || !isChosen(letters[at]))
    if (missing.length > 0) throw new NoSuchLetter(`no such open letter: ${missing.join(', ')}; nothing was done`)
    for (const letter of letters) if (letter) yield letter
    return
  }
  for await (const letter of openLetters(broker, ledger, topics)) if (isChosen(letter)) yield letter
}

/** Whether the pipeline wrote it, or its retry pipeline did. */
export const isOf = ({ name }: Plan, { pipeline }: Letter): boolean => pipeline === name || pipeline === `${name}.retry`

/** Whether a letter is of a key, and such as a condition says, where those are given. */
export const fits = (letter: Letter, { key, where }: Choice): boolean =>
  (key === undefined || letter.record.key?.toString() === key) && (where === undefined || holds(where, letter))

/** A letter that the condition cannot be asked of, such as for a field that it does not have, does not fit. */
function holds(wanted: Condition, letter: Letter): boolean {
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
