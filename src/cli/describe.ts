import { Command, Option } from 'commander'
import { describePlan, type Description } from '../topology/describe.ts'
import { describeAsMermaid } from '../topology/describeMermaid.ts'
import { describeAsText } from '../topology/describeText.ts'
import { openPlace, placeOf, withBroker, type BrokerOptions } from './brokerOptions.ts'
import { describeLive, liveAsText, type Live } from './describe/live.ts'
import { UsageError } from './failure.ts'
import { print } from './output.ts'
import { readPlan, type PlannedFile } from './plans.ts'

interface DescribeOptions extends BrokerOptions {
  readonly format: keyof typeof formats
  readonly live?: true
}

const formats = {
  text: (description: Description, live?: Live) =>
    `${describeAsText(description)}${live ? `\n${liveAsText(live)}` : ''}`,
  mermaid: describeAsMermaid,
  json: (description: Description, live?: Live) => `${JSON.stringify({ ...description, ...(live && { live }) })}\n`,
}

export const describeCommand = (): Command =>
  withBroker(
    new Command('describe')
      .description('Shows the topology of a pipeline: sub-topologies, sources, operators, sinks, dead-letter topics.')
      .argument('<file>', 'the config')
      .addOption(new Option('--format <format>', 'how').choices(Object.keys(formats)).default('text'))
      .option('--live', 'ask the broker, too: who reads which partition, how far it has come, and what is left'),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow describe orders.yaml
  oxbow describe orders.yaml --live
  oxbow describe orders.yaml --format mermaid > orders.mmd
  oxbow describe orders.yaml --format json | jq .topics`,
    )
    .action(describe)

async function describe(path: string, options: DescribeOptions): Promise<void> {
  const { format } = options
  if (options.live && format === 'mermaid') throw new UsageError('--live is shown as text or as JSON, not as mermaid')
  const planned = readPlan(path)
  const live = options.live && (await liveOf(planned, options))
  await print(formats[format](describePlan(planned.plan), live))
}

async function liveOf({ file, plan }: PlannedFile, options: BrokerOptions): Promise<Live> {
  const broker = await openPlace(placeOf(options, file), 'read')
  try {
    return await describeLive(plan, broker)
  } finally {
    await broker.close()
  }
}
