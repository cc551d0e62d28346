import { Command } from 'commander'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TopicInfo } from '../broker/broker.ts'
import { checkBroker, openBroker, withBroker, type BrokerOptions } from './brokerOptions.ts'
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
  checkBroker(options)
  const { plan } = readPlan(path)
  if (options.apply) {
    const broker = await openBroker(options, 'append')
    try {
      await broker.ensureTopics(plan.topics)
    } finally {
      await broker.close()
    }
  }
  const comparisons = compareTopics(plan.topics, await liveTopics(options))
  if (options.json) for (const comparison of comparisons) await printJson(comparison)
  else await print(table(['topic', 'partitions', 'retention', 'state'], comparisons.map(row)))
}

function row({ name, partitions, retention, live, differences }: TopicComparison): (string | number)[] {
  return [name, String(partitions ?? live?.partitions ?? 'default'), kept(retention), differences.join('; ') || 'ok']
}

async function liveTopics(options: BrokerOptions): Promise<readonly TopicInfo[]> {
  if (!existsSync(join(options.data, 'oxbow.db'))) return []
  const broker = await openBroker(options, 'read')
  try {
    return await broker.topics()
  } finally {
    await broker.close()
  }
}
