import type { Broker } from '../broker/broker.ts'
import { condition, ExpressionFault, type Condition } from '../component/expression.ts'
import { decodeValue } from '../component/value.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import { letterTopicsOf } from '../topology/letterTopics.ts'
import type { Plan } from '../topology/plan.ts'
import { groupsOf } from '../topology/retryTopic.ts'
import { homeIn } from './home.ts'
import { originalTopics, Originals } from './originals.ts'
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
  /** On this topic, whoever writes to it, instead of those that the pipeline writes to. */
  readonly topic?: string
  /** The topic that they are to go to, if it is one: what they do not hold of their records may be read there, too. */
  readonly target?: string
  /** A name that the pipeline had before: letters that it wrote then are its own, too. */
  readonly formerly?: string
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

/**
 * The open letters of a pipeline that were chosen, the oldest of a partition first. Letters on a queue of others' have been through its
 * streams already: they are chosen only where they, their group, or the topic are named. Of a topic that is named, letters that
 * nothing in the pipeline can take are chosen, too: who sends them back is told why not.
 * @param onOther is told of each that fits but for the pipeline that wrote it: one that reads the same source may write to the same
 *   topic, and its letters are not this one's to send. Those that are named by their ids are taken as what they are
 * @throws NoSuchLetter
 */
export async function* chosenLetters(
  { broker, ledger, plan }: ChoiceParts,
  choice: Choice,
  onOther?: (letter: Letter) => void,
): AsyncGenerator<Letter> {
  const { group } = choice
  const ids = choice.ids && [...new Set(choice.ids)]
  const topics = await topicsOf(plan, choice, broker)
  const originals = new Originals(broker, originalTopics(plan, choice.target))
  const isChosen = chosenIn(plan, choice, onOther)
  if (ids) {
    const found = await openLettersById({ broker, ledger, topics, group }, ids)
    const letters = await Promise.all(found.map(async (letter) => letter && originals.of(letter)))
    const missing = ids.filter((_, at) => !letters[at] || !isChosen(letters[at]))
    if (missing.length > 0) throw new NoSuchLetter(`no such open letter: ${missing.join(', ')}; nothing was done`)
    for (const letter of letters) if (letter) yield letter
    return
  }
  for await (const found of openLetters({ broker, ledger, topics, group })) {
    const letter = found.convention === 'shareGroup' ? await originals.of(found) : found
    if (isChosen(letter)) yield letter
  }
}

/** Tells of letters of the group that is meant, if one is, whether they are chosen otherwise too, be they open or not. @param onOther as above */
export function chosenIn(plan: Plan, choice: Choice, onOther?: (letter: Letter) => void): (letter: Letter) => boolean {
  const { ids, source, topic, formerly } = choice
  const homeOf = homeIn(plan)
  const names = [plan.name, formerly].flatMap((name) => (name === undefined ? [] : groupsOf(name)))
  return (letter) => {
    const home = homeOf(letter)
    const isMeant = home
      ? home.source.name === (source ?? home.source.name)
      : topic !== undefined && source === undefined
    if (!isMeant || !fits(letter, choice)) return false
    const isOfOthers = home?.isOfOthers ?? letter.convention !== 'oxbow'
    const isOwn = isOfOthers || ids !== undefined || names.includes(letter.pipeline)
    if (!isOwn) onOther?.(letter)
    return isOwn
  }
}

/** The topics that chosen letters may be on. @throws NoSuchLetter where one is named that is not there */
export async function topicsOf(plan: Plan, { ids, group, topic }: Choice, broker: Broker): Promise<readonly string[]> {
  if (topic !== undefined) {
    if ((await broker.bounds([topic])).length > 0) return [topic]
    throw new NoSuchLetter(`there is no topic ${topic}; nothing was done`)
  }
  const all = letterTopicsOf(plan)
  const meant = (ids ?? group) ? all : all.filter(({ sources }) => sources.length > 0)
  return meant.map((each) => each.topic)
}

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
