import { Command } from 'commander'
import type { Problem } from '../topology/read.ts'
import { withBroker, type BrokerOptions } from './brokerOptions.ts'
import { Exit, exitCodes } from './failure.ts'
import { print, printJson } from './output.ts'
import { inspect, problemLine } from './plans.ts'
import { preflight } from './preflight/preflight.ts'

interface CheckOptions extends BrokerOptions {
  readonly json?: true
  readonly broker?: true
}

export const checkCommand = (): Command =>
  withBroker(
    new Command('check')
      .description('Finds every mistake in configs: one line each, with its place and what would be right.')
      .argument('<file...>', 'configs')
      .option('--broker', 'look at the live broker, too: topics, sizes, retention, replicas, access, limits')
      .option('--json', 'one JSON object a file: file, ok, problems, with --broker warnings'),
  )
    .addHelpText(
      'after',
      `
Checks the config against the components, expressions, the links between sources and streams, loops through dead-letter
topics, and builds every operator once: schemas, tables and your own files are read. Exit code 2 when something is wrong.
With --broker it looks at everything about the live topics and brokers that would lose records or stop the pipeline; what
may harm is a warning, and warnings alone exit with 0.

Examples:
  oxbow check orders.yaml
  oxbow check config/*.yaml --json
  oxbow check orders.yaml --broker --data /var/lib/oxbow`,
    )
    .action(check)

async function check(paths: readonly string[], options: CheckOptions): Promise<void> {
  let failed = false
  for (const { path, planned, problems } of await inspect(paths)) {
    const findings = options.broker && planned ? await preflight(planned, options) : []
    const errors = [...problems, ...findings.filter(({ severity }) => severity === 'error')]
    const warnings = findings.filter(({ severity }) => severity === 'warning')
    await report(path, { errors: errors.toSorted(byPlace), warnings: warnings.toSorted(byPlace) }, options)
    failed ||= errors.length > 0
  }
  if (failed) throw new Exit(exitCodes.usage)
}

const byPlace = (a: Problem, b: Problem): number => a.line - b.line || a.column - b.column

interface Found {
  readonly errors: readonly Problem[]
  readonly warnings: readonly Problem[]
}

async function report(file: string, { errors, warnings }: Found, { json, broker }: CheckOptions): Promise<void> {
  if (json) {
    const places = (problems: readonly Problem[]) =>
      problems.map(({ line, column, message }) => ({ line, column, message }))
    const about = broker ? { warnings: places(warnings) } : {}
    return printJson({ file, ok: errors.length === 0, problems: places(errors), ...about })
  }
  for (const problem of errors) console.error(problemLine(problem))
  for (const { message, ...place } of warnings) console.error(problemLine({ ...place, message: `warning: ${message}` }))
  if (errors.length === 0) await print(`${file}: ok\n`)
}
