import { z } from 'zod'
import type { Broker, Count, TopicInfo } from '../broker/broker.ts'
import { duration } from '../component/fields.ts'
import { defineSource, type SourceSpec } from '../component/source.ts'
import { countLetters } from '../deadletter/ledger.ts'
import type { Plan } from '../topology/plan.ts'
import type { Sample } from './sample.ts'

/** Finished and dead source records, by "source/stream". */
type Counts = { readonly [stream: string]: readonly [finished: number, dead: number] }

/** What the next sample compares with. */
type Cursor = {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Letters ever written, by dead-letter topic. */
  readonly written: { readonly [topic: string]: number }
  readonly counts: Counts
  /** The counts before they last changed. */
  readonly before: Counts
}

/**
 * The monitor's source: every so often one sample of each dead-letter topic of a plan. What it compares with is its
 * cursor, so growth and rate go on over a restart.
 */
export const sizes = (plan: Plan, broker: Broker): SourceSpec =>
  defineSource({
    name: 'sizes',
    summary: 'Counts the dead letters of a pipeline.',
    config: z.strictObject({ every: duration() }),
    faults: [],
    examples: [{ title: 'Every ten seconds', config: { every: '10s' } }],
    format: () => 'json',

    async open({ every }, { scheduler }) {
      const watched = watchedTopics(plan)
      return {
        async poll(cursor) {
          const last = cursor as Cursor | undefined
          const at = scheduler.now()
          const letters = await countLetters(broker, watched)
          const next = advance(last, at, await broker.topics(), await broker.counts(plan.name), watched)
          const records = watched.map((watchedTopic) => {
            const value: Sample = { ...trend(watchedTopic.topic, last, next), ...}
            return { key: Buffer.from(topic), value: Buffer.from(JSON.stringify(value)), timestamp: at }
          })
          return { records, cursor: next, wait: every }
        },
      }
    },
  })
