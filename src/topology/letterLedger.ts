import type { Count } from '../broker/broker.ts'
import type { LetterLedger } from '../deadletter/ledger.ts'
import { asides } from './lineage.ts'
import { externalSources, type Plan } from './plan.ts'

/** What a pipeline counted of its dead letters, by their topics; nothing of those that it never wrote to. */
export function letterLedger(plan: Plan, counts: readonly Count[]): LetterLedger {
  const ledger = new Map<string, { written: number; closed: number }>()
  for (const { name, deadLetters } of externalSources(plan)) {
    const row = counts.find(({ source, stream }) => source === name && stream === asides.letters)
    if (!row) continue
    const { written, closed } = ledger.get(deadLetters.topic) ?? { written: 0, closed: 0 }
    ledger.set(deadLetters.topic, { written: written + row.read, closed: closed + row.emitted })
  }
  return ledger
}
