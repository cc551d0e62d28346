import { z } from 'zod'
import { condition, ExpressionFault } from '../component/expression.ts'
import { defineOperator } from '../component/operator.ts'
import { RecordedFault } from '../record/fault.ts'
import { drop, emit } from '../record/outcome.ts'
import { withValue } from '../record/record.ts'
import { alertVariables } from '../topology/config.ts'
import { readSample, type Sample } from './sample.ts'

/** What an alert's sinks are given. */
export interface AlertRecord extends Pick<
  Sample,
  | 'source'
  | 'topic'
  | 'size'
  | 'growth'
  | 'rate'
  | 'age'
  | 'share'
  | 'parked'
  | 'paused'
  | 'newGroups'
  | 'regressedGroups'
  | 'groups'
> {
  /** The alert's name. */
  readonly alert: string
  readonly state: 'firing' | 'growing' | 'resolved'
  /** When it began to fire, ISO 8601. */
  readonly since: string
  /** When the sample was taken, ISO 8601. */
  readonly at: string
  /** One sentence. */
  readonly message: string
  /** The same with the alert's name and state: what Slack-compatible webhooks show. */
  readonly text: string
}

/** An alert that fires for one dead-letter topic. */
interface Firing {
  readonly since: string
  /** The size that was notified last. */
  readonly size: number
}

const calm: Sample = {
  source: 'orders',
  topic: 'dlq.orders',
  size: 0,
  growth: 0,
  rate: 0,
  age: 90,
  share: 0,
  read: 0,
  dead: 0,
  parked: 0,
  paused: 0,
  newGroups: 0,
  regressedGroups: 0,
  groups: [],
}

export const alert = defineOperator({
  name: 'alert',
  summary:
    'Turns samples of dead-letter topics into alerts: once when a condition comes true, again on growth, and when it is over.',

  config: z.strictObject({
    name: z.string().min(1),
    when: condition(alertVariables),
    step: z
      .number()
      .gt(1)
      .default(2)
      .describe('It fires again when the size has grown by this factor since the last time.'),
    clear: z
      .number()
      .min(0)
      .max(1)
      .default(0.8)
      .describe('It resolves when the condition is false even for the numbers divided by this.'),
  }),

  faults: [ExpressionFault, RecordedFault],

  examples: [
    {
      title: 'Firing once (the samples are of the start of 1970)',
      config: { name: 'many', when: 'size > 2' },
      given: [3, 4].map((size) => ({ ...calm, size })),
      expect: [
        [
          {
            alert: 'many',
            state: 'firing',
            source: 'orders',
            topic: 'dlq.orders',
            size: 3,
            growth: 0,
            rate: 0,
            age: 90,
            share: 0,
            parked: 0,
            paused: 0,
            newGroups: 0,
            regressedGroups: 0,
            groups: [],
            since: '1970-01-01T00:00:00.000Z',
            at: '1970-01-01T00:00:00.000Z',
            message: 'dlq.orders holds 3 open dead letters, the oldest 90 s old: size > 2.',
            text: '[firing] many: dlq.orders holds 3 open dead letters, the oldest 90 s old: size > 2.',
          },
        ],
        'drop already firing',
      ],
    },
  ],

  build({ name, when, step, clear }, { state }) {
    return (record) => {
      const sample = readSample(record.value)
      const at = new Date(record.timestamp).toISOString()
      const firing = state.get(sample.topic) as Firing | undefined
      const notify = (next: AlertRecord['state'], since: string) => {
        if (next === 'resolved') state.delete(sample.topic)
        else state.set(sample.topic, { since, size: sample.size } satisfies Firing)
        return emit(record, withValue(record, alertRecord(name, when.text, next, sample, since, at)))
      }

      const isTrue = when.holds({ ...sample })
      if (!firing) return isTrue ? notify('firing', at) : drop(record, 'quiet')
      if (!isTrue && !when.holds({ ...enlarged(sample, clear) })) return notify('resolved', firing.since)
      if (sample.size > firing.size && sample.size >= firing.size * step) return notify('growing', firing.since)
      return drop(record, 'already firing')
    }
  },
})

/** The sample with its numbers divided by the share below which an alert resolves. */
function enlarged(sample: Sample, clear: number): Sample {
  const divided = Object.entries(sample).map(([name, value]: [string, string | number]) => [
    name,
    typeof value === 'number' && value > 0 ? value / clear : value,
  ])
  return Object.fromEntries(divided) as Sample
}

function alertRecord(
  name: string,
  when: string,
  state: AlertRecord['state'],
  sample: Sample,
  since: string,
  at: string,
): AlertRecord {
  const { source, topic, size, growth, rate, age, share, parked, paused, newGroups, regressedGroups, groups } = sample
  const message = sentence(state, when, sample)
  const title = name === when ? '' : `${name}: `
  return {
    alert: name,
    state,
    source,
    topic,
    size,
    growth,
    rate,
    age,
    share,
    parked,
    paused,
    newGroups,
    regressedGroups,
    groups,
    since,
    at,
    message,
    text: `[${state}] ${title}${message}`,
  }
}

function sentence(state: AlertRecord['state'], when: string, sample: Sample): string {
  const { topic, size, age, rate, parked, paused, groups } = sample
  const letters = `${topic} holds ${size} open ${size === 1 ? 'dead letter' : 'dead letters'}`
  const oldest = size > 0 ? `, the oldest ${inWords(age)} old` : ''
  const speed = rate > 0 ? `, ${Number(rate.toPrecision(2))} more a minute` : ''
  const behind = parked > 0 ? `, ${parked} ${parked === 1 ? 'record waits' : 'records wait'} behind them` : ''
  const still = paused > 0 ? `, ${paused} ${paused === 1 ? 'partition is' : 'partitions are'} paused for it` : ''
  const news = groups.length > 0 ? `; new or back: ${groups.join('; ')}` : ''
  if (state === 'resolved') return `${letters}: no longer ${when}.`
  return `${letters}${oldest}${speed}${behind}${still}: ${when}${news}.`
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`
}
