import { asyncScheduler } from 'rxjs'
import type { Broker } from '../../src/broker/broker.ts'
import { isSameFailure, ledgerOf, readEntry, type LedgerEntry } from '../../src/deadletter/ledger/entry.ts'
import { readLetter, type Letter } from '../../src/deadletter/readLetter.ts'
import { sendLetters, type SendOptions, type Sent } from '../../src/redrive/send.ts'
import type { Plan } from '../../src/topology/plan.ts'
import { recordsOf } from './pipeline.ts'

/** Sends letters back as `oxbow dlq redrive` does. */
export const sendBack = (
  broker: Broker,
  plan: Plan,
  letters: Iterable<Letter> | AsyncIterable<Letter>,
  more: Partial<SendOptions> = {},
): Promise<Sent> =>
  sendLetters(letters, {
    ...{ plan, broker, scheduler: asyncScheduler, to: 'operator', redrive: 'r1', by: 'ann', why: '' },
    signal: new AbortController().signal,
    ...more,
  })

/** All letters of a dead-letter topic's first partition. */
export const lettersOf = async (broker: Broker, topic = 'dlq.in'): Promise<Letter[]> =>
  (await recordsOf(broker, topic)).map((each) => readLetter(each)!)

/** The entries of its ledger. */
export const entriesOf = async (broker: Broker, topic = 'dlq.in'): Promise<LedgerEntry[]> =>
  (await recordsOf(broker, ledgerOf(topic))).map((each) => readEntry(each) as LedgerEntry)

/** What became of each letter, as it failed last. */
export async function standingsOf(broker: Broker, topic = 'dlq.in'): Promise<Map<string, LedgerEntry['to']>> {
  const last = new Map((await lettersOf(broker, topic)).map((letter) => [letter.id, letter]))
  const entries = await entriesOf(broker, topic)
  return new Map(
    Array.from(last, ([id, letter]) => {
      // What is said of another failure says nothing of this one, nor what is said of it as it stood before it was opened again.
      const said = entries.filter((each) => each.letter === id && isSameFailure(letter, each))
      const latest = Math.max(0, ...said.map(({ reopened = 0 }) => reopened))
      return [id, said.findLast(({ reopened = latest }) => reopened === latest)?.to ?? 'open']
    }),
  )
}
