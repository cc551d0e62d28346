import type { Broker } from '../broker/broker.ts'
import type { Disposition } from '../deadletter/ledger/entry.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { readLetter, type Letter } from '../deadletter/readLetter.ts'
import type { StoredRecord } from '../record/record.ts'
import { fits, NoSuchLetter, type Choice } from './choose.ts'
import { placedRecords } from './openLetters.ts'

/** A letter that its topic has, whatever became of it. */
export interface KeptLetter {
  /** As it lies on the topic. */
  readonly record: StoredRecord
  readonly letter: Letter
  readonly disposition: Disposition
}

/** Which of them; all where nothing is said. */
export interface KeptChoice extends Choice {
  readonly dispositions?: readonly Disposition[]
}

/**
 * The letters that topics have, each as it failed last, in the order in which the topics have them.
 * @throws NoSuchLetter for ids that none of the topics has
 */
export async function* keptLetters(
  broker: Broker,
  ledger: Ledger,
  topics: readonly string[],
  choice: KeptChoice,
): AsyncGenerator<KeptLetter> {
  const { ids, source, group, dispositions } = choice
  await ledger.follow(topics)
  const missing = (ids ?? []).filter((id) => !ledger.letter(id, topics))
  if (missing.length > 0) throw new NoSuchLetter(`no such letter: ${missing.join(', ')}; nothing was done`)
  const named = ids && new Set(ids)
  for (const info of await broker.topics(topics))
    for await (const { record, placed } of placedRecords(broker, ledger, info)) {
      if (!placed) continue
      const { disposition, fingerprint } = placed
      if (group !== undefined && fingerprint !== group) continue
      if (dispositions?.includes(disposition) === false) continue
      const letter = readLetter(record)
      if (!letter || named?.has(letter.id) === false) continue
      if (letter.source === (source ?? letter.source) && fits(letter, choice)) yield { record, letter, disposition }
    }
}
