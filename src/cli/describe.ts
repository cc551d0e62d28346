import { Command, Option } from 'commander'
import { describePlan, type Description } from '../topology/describe.ts'
import { describeAsMermaid } from '../topology/describeMermaid.ts'
import { describeAsText } from '../topology/describeText.ts'
import { print } from './output.ts'
import { readPlan } from './plans.ts'

const formats = {
  text: describeAsText,
  mermaid: describeAsMermaid,
  json: (description: Description) => `${JSON.stringify(description)}\n`,
}

export const describeCommand = (): Command =>
  new Command('describe')
    .description('Shows the topology of a pipeline: sub-topologies, sources, operators, sinks, dead-letter topics.')
    .argument('<file>', 'the config')
    .addOption(new Option('--format <format>', 'how').choices(Object.keys(formats)).default('text'))
    .addHelpText(
      'after',
      `
Examples:
  oxbow describe orders.yaml
  oxbow describe orders.yaml --format mermaid > orders.mmd
  oxbow describe orders.yaml --format json | jq .topics`,
    )
    .action(async (path: string, { format }: { readonly format: keyof typeof formats }) => {
      await print(formats[format](describePlan(readPlan(path).plan)))
    })
