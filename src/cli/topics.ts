import { Command } from 'commander'
import type { TopicInfo, TopicSpec } from '../broker/broker.ts'
import { hasData, openPlace, placeOf, withBroker, type BrokerOptions, type BrokerPlace } from './brokerOptions.ts'
import { prepareTopics, sized } from '../topology/prepareTopics.ts'
import { print, printJson, table } from './output.ts'
import { readPlan } from './plans.ts'
import { compareTopics, kept, type TopicComparison } from './topicDifferences.ts'

interface TopicsOptions extends BrokerOptions {
  readonly apply?: true
  readonly json?: true
}

export const topicsCommand = (): Command =>
  withBroker(
    new Command('topics')
      .description('Shows the topics that a pipeline needs, and what differs from those that there are.')
      .argument('<file>', 'the config')
      .option('--apply', 'create what is missing and adjust retention; nothing is ever destroyed')
      .option('--json', 'one JSON object a topic: name, exists, partitions, retention (ms), live, differences'),
  )
    .addHelpText(
      'after',
      `
"oxbow run" creates missing topics by itself; this shows them before.

Examples:
  oxbow topics orders.yaml
  oxbow topics orders.yaml --apply`,
    )
    .action(topics)

async function topics(path: string, options: TopicsOptions): Promise<void> {
  const { file, plan } = readPlan(path)
  const place = placeOf(options, file)
  if (options.apply) {
    const broker = await openPlace(place, 'append')
    try {
      await prepareTopics(broker, plan.topics)
    } finally {
      await broker.close()
    }
  }
  const live = await liveTopics(place, plan.topics)
  const comparisons = compareTopics(sized(plan.topics, live), live)
  if (options.json) for (const comparison of comparisons) await printJson(comparison)
  else await print(table(['topic', 'partitions', 'retention', 'state'], comparisons.map(row)))
}

function row({ name, partitions, retention, live, differences }: TopicComparison): (string | number)[] {
  return [name, String(partitions ?? live?.partitions ?? 'default'), kept(retention), differences.join('; ') || 'ok']
}

async function liveTopics(place: BrokerPlace, needed: readonly TopicSpec[]): Promise<readonly TopicInfo[]> {
  if (!hasData(place)) return []
  const broker = await openPlace(place, 'read')
  try {
    return await broker.topics(needed.map(({ name }) => name))
  } finally {
    await broker.close()
  }
}
