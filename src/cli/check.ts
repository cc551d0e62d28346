import { Command } from 'commander'
import { sized } from '../topology/prepareTopics.ts'
import type { Problem } from '../topology/read.ts'
import { hasData, openPlace, placeOf, withBroker, type BrokerOptions } from './brokerOptions.ts'
import { Exit, exitCodes } from './failure.ts'
import { print, printJson } from './output.ts'
import { inspect, problemLine, type PlannedFile } from './plans.ts'
import { compareTopics } from './topicDifferences.ts'

interface CheckOptions extends BrokerOptions {
  readonly json?: true
  readonly broker?: true
}

export const checkCommand = (): Command =>
  withBroker(
    new Command('check')
      .description('Finds every mistake in configs: one line each, with its place and what would be right.')
      .argument('<file...>', 'configs')
      .option('--broker', 'compare the topics that there are, too')
      .option('--json', 'one JSON object a file: file, ok, problems'),
  )
    .addHelpText(
      'after',
      `
Checks the config against the components, expressions, the links between sources and streams, loops through dead-letter
topics, and builds every operator once: schemas, tables and your own files are read. Exit code 2 when something is wrong.

Examples:
  oxbow check orders.yaml
  oxbow check config/*.yaml --json
  oxbow check orders.yaml --broker --data /var/lib/oxbow`,
    )
    .action(check)

async function check(paths: readonly string[], options: CheckOptions): Promise<void> {
  let failed = false
  for (const { path, planned, problems } of await inspect(paths)) {
    const topics = options.broker && planned ? await findTopicProblems(planned, options) : []
    await report(path, [...problems, ...topics], options)
    failed ||= problems.length + topics.length > 0
  }
  if (failed) throw new Exit(exitCodes.usage)
}

async function findTopicProblems({ file, plan }: PlannedFile, options: BrokerOptions): Promise<Problem[]> {
  const place = placeOf(options, file)
  if (!hasData(place)) {
    console.error(`oxbow: ${options.data} has no topics yet; there is nothing to compare`)
    return []
  }
  const broker = await openPlace(place, 'read')
  try {
    const live = await broker.topics(plan.topics.map(({ name }) => name))
    return compareTopics(sized(plan.topics, live), live).flatMap(({ name, exists, differences }) =>
      exists ? differences.map((text) => file.problem(pathOf(name, file.config), `topic \`${name}\`: ${text}`)) : [],
    )
  } finally {
    await broker.close()
  }
}

const pathOf = (topic: string, { sources }: { readonly sources: object }): readonly string[] =>
  Object.hasOwn(sources, topic) ? ['sources', topic] : []

async function report(file: string, problems: readonly Problem[], { json }: CheckOptions): Promise<void> {
  if (json) {
    const places = problems.map(({ line, column, message }) => ({ line, column, message }))
    return printJson({ file, ok: problems.length === 0, problems: places })
  }
  for (const problem of problems) console.error(problemLine(problem))
  if (problems.length === 0) await print(`${file}: ok\n`)
}
