import type { Broker } from '../broker/broker.ts'
import { entryRecord, type Disposition } from '../deadletter/ledger/entry.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import type { Plan } from '../topology/plan.ts'
import { chosenIn, NoSuchLetter, topicsOf, type Choice } from './choose.ts'
import { chunksOf } from './chunksOf.ts'
import { keptLetters, type KeptLetter } from './keptLetters.ts'

export interface ReopenOptions {
  readonly plan: Plan
  readonly broker: Broker
  readonly ledger: Ledger
  readonly choice: Choice
  /** Letters of these are opened again. */
  readonly dispositions: readonly Disposition[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Who opens them, and why. */
  readonly by: string
  readonly why: string
  /** A letter is open again. */
  readonly onReopened?: (kept: KeptLetter) => void
  /** A letter fits but for the pipeline that wrote it, and stays what it is. */
  readonly onOther?: (letter: Letter) => void
}

/**
 * Has letters that were dealt with be open again, so that they can be sent back once more.
 * @returns how many
 * @throws NoSuchLetter for ids of letters that their topics do not have, or that are none of the dispositions, and for a topic that is not there
 */
export async function reopenLetters(options: ReopenOptions): Promise<number> {
  const { plan, broker, ledger, choice, onReopened } = options
  const topics = await topicsOf(plan, choice, broker)
  await ledger.follow(topics)
  refuseOthers(topics, options)
  let count = 0
  for await (const chunk of chunksOf(closedLetters(topics, options))) {
    const entries = chunk.map((kept) => reopening(kept, options))
    const outputs = entries.flatMap((entry) => entry ?? [])
    await broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
    count += outputs.length
    for (const [at, kept] of chunk.entries()) if (entries[at]) onReopened?.(kept)
  }
  return count
}

/** The chosen letters that were dealt with. */
async function* closedLetters(
  topics: readonly string[],
  { plan, broker, ledger, choice, dispositions, onOther }: ReopenOptions,
): AsyncGenerator<KeptLetter> {
  const isChosen = chosenIn(plan, choice, onOther)
  // Whose source a letter is of, its home says.
  const { source: _, ...others } = choice
  for await (const kept of keptLetters(broker, ledger, topics, { ...others, dispositions }))
    if (isChosen(kept.letter)) yield kept
}

function refuseOthers(topics: readonly string[], { ledger, choice: { ids = [] }, dispositions }: ReopenOptions): void {
  const others = ids.flatMap((id) => {
    const disposition = ledger.letter(id, topics)?.disposition
    return disposition === undefined || dispositions.includes(disposition) ? [] : [`${id} is ${disposition}`]
  })
  if (others.length > 0)
    throw new NoSuchLetter(
      `only what is ${dispositions.join(' or ')} can be opened: ${others.join(', ')}; nothing was done`,
    )
}

/**
 * The entry: its task takes the letter up once more because of the number, by which it knows that it was opened again. None for one
 * that its topic has let go meanwhile.
 */
function reopening({ letter }: KeptLetter, { ledger, now, by, why }: ReopenOptions) {
  const { id, topic, hops, failedAt } = letter
  const known = ledger.letter(id, [topic])
  if (!known) return undefined
  const reopened = known.reopened + 1
  return entryRecord(topic, { letter: id, hops, failedAt, to: 'open', reopened, by, why, at: now() })
}
