import { z } from 'zod'
import type { Broker } from '../broker/broker.ts'
import { defineSource, type SourceSpec } from '../component/source.ts'
import { countLetters } from '../deadletter/ledger.ts'
import { countsOf } from '../topology/conservation.ts'
import { letterLedger } from '../topology/letterLedger.ts'
import { going } from '../topology/lineage.ts'
import { externalSources, type Plan } from '../topology/plan.ts'
import type { Sample } from './sample.ts'
import { advance, finishedSince, share, type Cursor } from './trend.ts'

/** A dead-letter topic, and the sources whose letters go there. */
interface Watched {
  readonly topic: string
  readonly sources: readonly string[]
}

/**
 * The monitor's source: every so often, in milliseconds, one sample of each dead-letter topic of a plan. What samples are
 * compared with is the cursor, so growth and rate go on over a restart.
 */
export const sizes = (plan: Plan, broker: Broker): SourceSpec =>
  defineSource({
    name: 'sizes',
    summary: 'Counts the dead letters of a pipeline.',
    config: z.strictObject({ every: z.number().min(1) }),
    faults: [],
    examples: [{ title: 'Every ten seconds', config: { every: 10_000 } }],
    format: () => 'json',

    async open({ every }, { scheduler }) {
      const watched = watch(plan)
      const topics = watched.map(({ topic }) => topic)
      return {
        async poll(cursor) {
          const before = cursor as Cursor | undefined
          const at = scheduler.now()
          const counts = await countsOf(broker, plan.name)
          const letters = await countLetters(broker, topics, letterLedger(plan, counts))
          const now = advance(before, at, letters, counts)
          const records = watched.map(({ topic, sources }, place) => {
            const { open, written, oldest } = letters[place]!
            const growth = Math.max(0, written - (before?.written[topic] ?? 0))
            const { read, dead } = finishedSince(now, sources)
            const sample: Sample = {
              source: sources.join(', '),
              topic,
              size: open,
              growth,
              rate: before && at > before.at ? growth / ((at - before.at) / 60_000) : 0,
              age: oldest === undefined ? 0 : Math.max(0, at - oldest) / 1_000,
              share: share({ read, dead }),
              read,
              dead,
              parked: going(counts, sources, 'parked'),
              paused: going(counts, sources, 'paused'),
            }
            return { key: Buffer.from(topic), value: Buffer.from(JSON.stringify(sample)), timestamp: at }
          })
          return { records, cursor: now, wait: every }
        },
      }
    },
  })

function watch(plan: Plan): Watched[] {
  const byTopic = Map.groupBy(externalSources(plan), ({ deadLetters }) => deadLetters.topic)
  return [...byTopic].map(([topic, group]) => ({ topic, sources: group.map(({ name }) => name) }))
}
