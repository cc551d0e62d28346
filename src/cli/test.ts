import { Command } from 'commander'
import { catalog } from '../catalog.ts'
import { describeResults, runTests, summarizeResults, type TestResult } from '../testing/runTests.ts'
import { CommandFailure, Exit, exitCodes } from './failure.ts'
import { print, printJson } from './output.ts'
import { inspect, problemLine } from './plans.ts'

interface TestOptions {
  readonly filter?: string
  readonly json?: true
}

export const testCommand = (): Command =>
  new Command('test')
    .description('Runs the tests inside configs: on virtual time, without a broker, in milliseconds.')
    .argument('<file...>', 'configs')
    .option('--filter <text>', 'only tests whose names hold this text')
    .option('--json', 'one JSON object a test: file, name, passed, failure')
    .addHelpText(
      'after',
      `
A failed test is shown as marbles, what was expected above what came, the first difference marked. Exit code 1 when one
failed.

Examples:
  oxbow test orders.yaml
  oxbow test config/*.yaml --filter poison`,
    )
    .action(test)

async function test(paths: readonly string[], options: TestOptions): Promise<void> {
  const inspections = await inspect(paths)
  const problems = inspections.flatMap((inspection) => inspection.problems)
  for (const problem of problems) console.error(problemLine(problem))
  if (problems.length > 0) throw new Exit(exitCodes.usage)

  const all: TestResult[] = []
  for (const { path, planned } of inspections) {
    const results = await runTests(
      planned!.file,
      catalog,
      options.filter === undefined ? {} : { filter: options.filter },
    )
    all.push(...results)
    await report(path, results, options)
  }
  if (all.length === 0 && options.filter !== undefined)
    throw new CommandFailure(`no test has "${options.filter}" in its name`)
  if (!options.json && paths.length > 1) await print(`${summarizeResults(all)}\n`)
  if (all.some(({ failure }) => failure)) throw new Exit(exitCodes.failed)
}

async function report(file: string, results: readonly TestResult[], { json }: TestOptions): Promise<void> {
  if (json) {
    for (const { name, failure } of results) await printJson({ file, name, passed: !failure, failure: failure ?? null })
  } else if (results.length === 0) {
    await print(`${file}: no tests\n`)
  } else {
    await print(`${file}: ${summarizeResults(results)}\n${describeResults(results).replaceAll(/^(?=.)/gm, '  ')}\n`)
  }
}
