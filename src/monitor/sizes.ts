import { z } from 'zod'
import type { Broker } from '../broker/broker.ts'
import { defineSource, type SourceSpec } from '../component/source.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { countsOf } from '../topology/conservation.ts'
import { lettersWritten } from '../topology/lettersWritten.ts'
import { going } from '../topology/lineage.ts'
import { letterTopicsOf } from '../topology/letterTopics.ts'
import type { Plan } from '../topology/plan.ts'
import type { Sample } from './sample.ts'
import type { LetterGroup } from '../deadletter/ledger/groups.ts'
import { advance, finishedSince, newsOf, statesOf, share, type Cursor } from './trend.ts'

/**
 * The monitor's source: every so often, in milliseconds, one sample of each dead-letter topic of a plan. What samples are
 * compared with is the cursor, so growth and rate go on over a restart.
 */
export const sizes = (plan: Plan, broker: Broker, ledger: Ledger): SourceSpec =>
  defineSource({
    name: 'sizes',
    summary: 'Counts the dead letters of a pipeline.',
    config: z.strictObject({ every: z.number().min(1) }),
    faults: [],
    examples: [{ title: 'Every ten seconds', config: { every: 10_000 } }],
    format: () => 'json',

    async open({ every }, { scheduler }) {
      const watched = letterTopicsOf(plan)
      const topics = watched.map(({ topic }) => topic)
      return {
        async poll(cursor) {
          const before = cursor as Cursor | undefined
          const at = scheduler.now()
          const counts = await countsOf(broker, plan.name)
          const letters = await ledger.counts(topics, at)
          const byPipeline = lettersWritten(plan, counts)
          const written = letters.map(({ topic, failures }) => [topic, byPipeline.get(topic) ?? failures] as const)
          const groups = ledger.groups(topics, at)
          const news = newsOf(groups, before)
          const now = { ...advance(before, at, Object.fromEntries(written), counts), groups: statesOf(groups) }
          const records = watched.map(({ topic, source, sources }, place) => {
            const { open, oldest } = letters[place]!
            const growth = Math.max(0, now.written[topic]! - (before?.written[topic] ?? 0))
            const { read, dead } = finishedSince(now, sources)
            const fresh = news.fresh.filter((group) => group.topic === topic)
            const regressed = news.regressed.filter((group) => group.topic === topic)
            const sample: Sample = {
              source,
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
              newGroups: fresh.length,
              regressedGroups: regressed.length,
              groups: [...fresh, ...regressed].slice(0, groupsNamed).map(inShort),
            }
            return { key: Buffer.from(topic), value: Buffer.from(JSON.stringify(sample)), timestamp: at }
          })
          return { records, cursor: now, wait: every }
        },
      }
    },
  })

/** So many groups are named in a sample. */
const groupsNamed = 5

const inShort = ({ fingerprint, operator, code }: LetterGroup): string => `${fingerprint} (${code} at ${operator})`
