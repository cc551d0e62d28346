import { Command, Option } from 'commander'
import type { Broker, Position, TopicInfo } from '../broker/broker.ts'
import { externalSources, inputsOf, type Plan } from '../topology/plan.ts'
import { planRetry } from '../topology/retryTopic.ts'
import { storesOf } from '../topology/stores.ts'
import { hasData, openPlace, placeOf, withBroker, type BrokerOptions } from './brokerOptions.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { counted, print, printJson } from './output.ts'
import { readPlan } from './plans.ts'

interface ResetOptions extends BrokerOptions {
  readonly to: 'start' | 'end'
  readonly dryRun?: true
  readonly yes?: true
  readonly json?: true
}

export const resetCommand = (): Command =>
  withBroker(
    new Command('reset')
      .description('Has a pipeline start over: its offsets, its state, its counts and its internal topics.')
      .argument('<file>', 'the config')
      .addOption(
        new Option('--to <place>', 'where it begins to read its sources again')
          .choices(['start', 'end'])
          .default('start'),
      )
      .option('--dry-run', 'say what would happen, and do nothing')
      .option('--yes', 'do it')
      .option('--json', 'one JSON object for each thing: what, and of which group, topic or store'),
  )
    .addHelpText(
      'after',
      `
Sources, outputs and dead letters stay as they are: what the pipeline reads again, it writes again. A pipeline that runs is
not reset: stop it first. When it is interrupted, run it again.

Examples:
  oxbow reset orders.yaml --dry-run
  oxbow reset orders.yaml --yes
  oxbow reset orders.yaml --to end --yes --kafka kafka-1:9092`,
    )
    .action(reset)

/** One thing that starts over. */
type Change =
  | {
      readonly what: 'offset'
      readonly group: string
      readonly topic: string
      readonly partition: number
      readonly from: number | null
      readonly to: number
    }
  | {
      readonly what: 'state'
      readonly group: string
      readonly store: string
      readonly partition: number
      readonly entries: number
    }
  | { readonly what: 'counts'; readonly group: string; readonly rows: number }
  | { readonly what: 'topic'; readonly topic: string; readonly records: number }

interface GroupReset {
  readonly group: string
  readonly changes: readonly Change[]
  readonly offsets: readonly Position[]
  readonly topics: readonly string[]
}

async function reset(path: string, options: ResetOptions): Promise<void> {
  if (options.dryRun && options.yes) throw new UsageError('--dry-run does nothing and --yes does it: give one of them')
  const { file, plan } = readPlan(path)
  const place = placeOf(options, file)
  if (!hasData(place)) throw new CommandFailure(`${plan.name} has not run there yet: there is nothing to reset`)
  const broker = await openPlace(place, options.yes ? 'run' : 'read')
  try {
    const retry = planRetry(plan)
    const resets = [await lookAt(broker, plan, options.to)]
    if (retry) resets.push(await lookAt(broker, retry, 'start'))
    const members = await Promise.all(resets.map(({ group }) => broker.members(group)))
    const changes = resets.flatMap((each) => each.changes)
    for (const change of changes) await say(change, options)
    if (members.flat().length > 0)
      throw new CommandFailure(
        runs(
          plan.name,
          members.flat().map(({ clientId }) => clientId),
        ),
      )
    if (changes.length === 0) {
      console.error(`There is nothing to reset: ${plan.name} has no offsets, state, counts or internal topics there.`)
      return
    }
    if (options.dryRun) return
    if (!options.yes) throw new UsageError('nothing was done: --yes does it, --dry-run only says it')
    for (const { group, offsets, topics } of resets) await broker.reset(group, { offsets, topics })
    if (!options.json) await print(`${plan.name} starts over with its next run.\n`)
  } finally {
    await broker.close()
  }
}

const runs = (name: string, clients: readonly string[]): string =>
  `${name} is running in ${[...new Set(clients)].join(', ')}: stop it before it starts over`

async function lookAt(broker: Broker, plan: Plan, to: 'start' | 'end'): Promise<GroupReset> {
  const group = plan.name
  const own = ownTopics(plan)
  const live = await broker.topics([...new Set([...plan.subtopologies.flatMap(inputsOf), ...own])])
  const committed = await broker.committed(group)
  const targets = live.filter(({ name }) => !own.includes(name)).flatMap((topic) => targetsOf(topic, to))
  const counts = await broker.counts(group)
  const stores = await storesOf(broker, group, { internal: true })
  const changes: Change[] = [
    ...targets.flatMap(({ topic, partition, offset }): Change[] => {
      const from = committed.find((each) => each.topic === topic && each.partition === partition)?.offset
      if (from === undefined && to === 'start') return []
      return [
        { what: 'offset', group, topic, partition, from: from === undefined ? null : Number(from), to: Number(offset) },
      ]
    }),
    ...stores.map(({ store, partition, entries }): Change => ({ what: 'state', group, store, partition, entries })),
    ...(counts.length > 0 ? [{ what: 'counts', group, rows: counts.length } as const] : []),
    ...live
      .filter(({ name }) => own.includes(name))
      .map((topic): Change => ({ what: 'topic', topic: topic.name, records: recordsIn(topic) })),
  ]
  return { group, changes, offsets: to === 'start' ? [] : targets, topics: own }
}

/** Topics that nobody else reads: what they hold comes again. */
function ownTopics(plan: Plan): string[] {
  const sources = plan.subtopologies.flatMap((subtopology) => subtopology.sources)
  const external = externalSources(plan)
  const repartitions = sources.filter((source) => !external.includes(source) || source.retriesOf !== undefined)
  const internal = plan.topics.filter((topic) => topic.internal)
  const waiting = sources.flatMap(({ lane, deadLetters }) =>
    [lane, deadLetters.retry.topic].filter((name) => name !== undefined),
  )
  return [...new Set([...repartitions.map(({ name }) => name), ...internal.map(({ name }) => name), ...waiting])]
}

const targetsOf = ({ name, partitions }: TopicInfo, to: 'start' | 'end'): Position[] =>
  partitions.map((info) => ({ topic: name, partition: info.partition, offset: info[to] }))

const recordsIn = ({ partitions }: TopicInfo): number =>
  partitions.reduce((sum, { start, end }) => sum + Number(end - start), 0)

async function say(change: Change, { json, yes }: ResetOptions): Promise<void> {
  if (json) return printJson(change)
  await print(`${yes ? '' : 'would: '}${textOf(change)}\n`)
}

function textOf(change: Change): string {
  switch (change.what) {
    case 'offset':
      return `${change.group} reads ${change.topic}, partition ${change.partition}, from ${change.to} on, not from ${change.from ?? 'its start'}`
    case 'state':
      return `${change.group} forgets ${counted(change.entries, 'entry').replace(/entrys$/, 'entries')} of ${change.store}, partition ${change.partition}`
    case 'counts':
      return `${change.group} counts from 0 on (${counted(change.rows, 'row')})`
    case 'topic':
      return `delete ${change.topic} with up to ${counted(change.records, 'record')}`
  }
}
