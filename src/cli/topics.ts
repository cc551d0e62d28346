import { Command } from 'commander'
import type { Broker, TopicSpec } from '../broker/broker.ts'
import { openEmbedded } from '../broker/embedded/embedded.ts'
import { TopicConflict } from '../broker/topicPlan.ts'
import { hasData, openPlace, placeOf, withBroker, type BrokerOptions, type BrokerPlace } from './brokerOptions.ts'
import { Exit, exitCodes, UsageError } from './failure.ts'
import { findTopics, neededTopics } from './neededTopics.ts'
import { print, printJson, table } from './output.ts'
import { readPlan, type PlannedFile } from './plans.ts'
import { compareTopics, describeComparison, kept, type TopicComparison } from './topicDifferences.ts'

interface TopicsOptions extends BrokerOptions {
  readonly apply?: true
  readonly shorten?: true
  readonly json?: true
}

export const topicsCommand = (): Command =>
  withBroker(
    new Command('topics')
      .description('Shows the topics that a pipeline needs, what differs from those there are, and mends it.')
      .argument('<file>', 'the config')
      .option('--apply', 'create what is missing and adjust what can be without loss; nothing is ever destroyed')
      .option('--shorten', 'with --apply: shorten retention too, which deletes records')
      .option(
        '--json',
        'one JSON object a topic: name, exists, partitions, retention (ms), compacted, maxMessageBytes, live, differences, apply',
      ),
  )
    .addHelpText(
      'after',
      `
"oxbow run" creates missing topics by itself; this shows them before. With --apply, exit code 1 when something still
differs; without, 0.

Examples:
  oxbow topics orders.yaml
  oxbow topics orders.yaml --apply
  oxbow topics orders.yaml --kafka kafka-1:9092 --json`,
    )
    .action(topics)

async function topics(path: string, options: TopicsOptions): Promise<void> {
  if (options.shorten && !options.apply) throw new UsageError('--shorten is for --apply: give both, or neither')
  const planned = readPlan(path)
  const place = placeOf(options, planned.file)
  const comparisons = await (options.apply ? apply(planned, place, options) : look(planned, place))
  if (options.json) for (const comparison of comparisons) await printJson(comparison)
  else await print(tableOf(comparisons, place))
  if (options.apply && comparisons.some(({ differences }) => differences.length > 0)) throw new Exit(exitCodes.failed)
}

async function look(planned: PlannedFile, place: BrokerPlace): Promise<readonly TopicComparison[]> {
  const broker = await (hasData(place) ? openPlace(place, 'read') : openEmbedded({ directory: ':memory:' }))
  try {
    const { needed, live } = await findTopics(planned, place, broker)
    return compareTopics(needed, live).map(describeComparison)
  } finally {
    await broker.close()
  }
}

async function apply(
  planned: PlannedFile,
  place: BrokerPlace,
  { shorten }: TopicsOptions,
): Promise<readonly TopicComparison[]> {
  const broker = await openPlace(place, 'append')
  try {
    const all = await neededTopics(planned, place, broker)
    const first = all.filter(({ partitionsOf, compacted }) => partitionsOf === undefined && !compacted)
    await ensure(broker, first, shorten)
    // How many partitions those got decides about others.
    await ensure(broker, (await findTopics(planned, place, broker)).needed, shorten)
    const { needed, live } = await findTopics(planned, place, broker)
    return compareTopics(needed, live).map(describeComparison)
  } finally {
    await broker.close()
  }
}

/** Does what can be done; what cannot is shown afterwards. */
async function ensure(broker: Broker, topics: readonly TopicSpec[], shorten = false): Promise<void> {
  try {
    await broker.ensureTopics(topics, { shorten })
  } catch (thrown) {
    if (!(thrown instanceof TopicConflict)) throw thrown
  }
}

function tableOf(comparisons: readonly TopicComparison[], { kind }: BrokerPlace): string {
  if (kind === 'embedded') return table(['topic', 'partitions', 'retention', 'state'], comparisons.map(row))
  return table(
    ['topic', 'partitions', 'replicas', 'retention', 'cleanup', 'max bytes', 'state'],
    comparisons.map((comparison) => {
      const { live, compacted = live?.compacted, maxMessageBytes = live?.maxMessageBytes } = comparison
      const [name, partitions, retention, state] = row(comparison)
      const cleanup = compacted === undefined ? 'default' : compacted ? 'compact' : 'delete'
      const replicas = String(live?.replication ?? 'default')
      return [name, partitions, replicas, retention, cleanup, String(maxMessageBytes ?? 'default'), state] as string[]
    }),
  )
}

/** What it is to be, or is where the config leaves it to the broker. */
function row({ name, partitions, retention, live, differences, apply }: TopicComparison): string[] {
  const state = differences.map((difference, at) => `${difference}; --apply ${apply[at]!}`).join('; ')
  return [name, String(partitions ?? live?.partitions ?? 'default'), kept(retention ?? live?.retention), state || 'ok']
}
