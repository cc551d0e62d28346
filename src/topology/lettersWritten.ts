import type { Count } from '../broker/broker.ts'
import { asides } from './lineage.ts'
import { externalSources, type Plan } from './plan.ts'

/** How many letters a pipeline ever wrote to its dead-letter topics; nothing of those that it never wrote to. */
export function lettersWritten(plan: Plan, counts: readonly Count[]): ReadonlyMap<string, number> {
  const written = new Map<string, number>()
  for (const { name, deadLetters } of externalSources(plan)) {
    const row = counts.find(({ source, stream }) => source === name && stream === asides.letters)
    if (row) written.set(deadLetters.topic, (written.get(deadLetters.topic) ?? 0) + row.read)
  }
  return written
}
