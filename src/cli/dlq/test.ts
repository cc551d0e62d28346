import { readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { catalog } from '../../catalog.ts'
import { readLetter, type Letter } from '../../deadletter/readLetter.ts'
import { testOfLetter, type LetterTest } from '../../redrive/letterTest.ts'
import { monitorOf } from '../../testing/runTopology.ts'
import { testText, TestsNotAppendable, withTest } from '../../topology/appendTest.ts'
import { letterTopicsOf } from '../../topology/letterTopics.ts'
import type { ConfigFile } from '../../topology/read.ts'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { CommandFailure, Exit, exitCodes, UsageError } from '../failure.ts'
import { print, printable, printJson } from '../output.ts'
import { readPlan, type PlannedFile } from '../plans.ts'
import { openWorkbench, type Workbench } from './openLedger.ts'

interface TestOptions extends BrokerOptions {
  readonly into?: string
  readonly name?: string
  readonly redact?: readonly string[]
  readonly print?: true
  readonly json?: true
}

export const dlqTestCommand = (): Command =>
  withBroker(
    new Command('test')
      .summary('make a failing test of a dead letter')
      .description(
        'Appends a test to the `tests` of a config that fails as the letter did: its source record is given at the time of its failure, with the state that the steps read for it, and is to have no dead letter. The test is run at once; it is appended only if it fails as the letter did.',
      )
      .argument('<file>', 'the config of the pipeline')
      .argument('<letter>', 'its id')
      .option('--into <config>', 'the config that gets the test, instead of that of the pipeline')
      .option('--name <text>', 'name of the test')
      .option('--redact <field...>', 'fields of the value to mask, beside those of `deadLetters.redact`')
      .option('--print', 'print the test, and append it nowhere')
      .option('--json', 'one JSON object: letter, file, name, fails, appended, found'),
  )
    .addHelpText(
      'after',
      `
Masked fields keep their type and shape: letters become x, digits 0, numbers 1 or 1.5, booleans false.
Exit code 0 when the test fails as the letter did, 1 when it does not: then nothing is appended.

Examples:
  oxbow dlq test orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706
  oxbow dlq test orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706 --into mended.yaml --redact customer.name
  oxbow dlq test orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706 --print`,
    )
    .action(makeTest)

async function makeTest(path: string, id: string, options: TestOptions): Promise<void> {
  const target = options.into ?? path
  const into = readPlan(target)
  const workbench = await openWorkbench(options, path, 'read')
  try {
    const letter = await letterOf(workbench, id)
    const text = readFileSync(target, 'utf8')
    if (!options.print && text.includes(id))
      return await say(options, { id, target }, 'has a test of this letter already')
    await makeTestOf(letter, { ...workbench, into, text, target }, options)
  } finally {
    await workbench.close()
  }
}

interface Place extends Workbench {
  readonly into: PlannedFile
  readonly text: string
  readonly target: string
}

async function makeTestOf(letter: Letter, { into, text, target, broker }: Place, options: TestOptions): Promise<void> {
  const { file, plan } = into
  const { name, json } = options
  const redact = [...new Set([...redactedOf(file, letter.source), ...(options.redact ?? [])])]
  const made = await testOfLetter(letter, {
    ...{ plan, broker, redact, monitor: monitorOf(file, plan, catalog), guarantee: file.config.guarantee },
    ...(name !== undefined && { name }),
  })
  const isAppended = made.fails && !options.print
  if (isAppended) writeFileSync(target, appended(text, made, target))
  if (options.print) await print(testText(made))
  if (json) {
    const found = made.failures.map(({ operator, code, message }) => ({ operator, code, message }))
    await printJson({
      letter: letter.id,
      file: target,
      name: made.test.name,
      fails: made.fails,
      appended: isAppended,
      found,
    })
  } else if (made.fails) {
    const done = isAppended ? `${target} has the test "${made.test.name}". It` : 'It'
    const say = options.print ? (line: string) => Promise.resolve(console.error(line.trimEnd())) : print
    await say(`${done} fails now as the letter did: ${letter.operator}, ${letter.fault.code}.\n`)
  }
  if (made.isCut) console.error('The steps read more state for it than a test holds: it has the first 200 entries.')
  if (made.fails) return
  console.error(notReproduced(letter, made, into, redact))
  throw new Exit(exitCodes.failed)
}

async function letterOf({ broker, ledger, plan }: Workbench, id: string): Promise<Letter> {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new UsageError(`${id} is no id of a letter; \`oxbow dlq show\` says it`)
  const topics = letterTopicsOf(plan).map(({ topic }) => topic)
  await ledger.follow(topics)
  const found = ledger.letter(id, topics)
  const [record] = found ? (await broker.read(found, 1)).records : []
  const letter = record?.offset === found?.offset ? record && readLetter(record) : undefined
  if (letter) return letter
  throw new CommandFailure(`no dead-letter topic of ${plan.name} keeps a letter with the id ${id}`)
}

/** The fields that a config wants hidden of a source. */
function redactedOf({ config }: ConfigFile, source: string): readonly string[] {
  const own = config.sources[source] as { readonly deadLetters?: { readonly redact?: readonly string[] } } | undefined
  return own?.deadLetters?.redact ?? config.deadLetters?.redact ?? []
}

function appended(text: string, made: LetterTest, target: string): string {
  try {
    return withTest(text, made)
  } catch (thrown) {
    if (!(thrown instanceof TestsNotAppendable)) throw thrown
    throw new CommandFailure(`${target}: ${thrown.message}; --print gives the test to put in by hand`)
  }
}

const say = ({ json }: TestOptions, { id, target }: { id: string; target: string }, what: string): Promise<void> =>
  json ? printJson({ letter: id, file: target, appended: false }) : print(`${target} ${what}.\n`)

/** What was found instead, and why that may be. */
function notReproduced(letter: Letter, made: LetterTest, { plan }: PlannedFile, redact: readonly string[]): string {
  const { fault, operator, revision, disposition } = letter
  const found =
    made.failures.length === 0
      ? 'The record passes now'
      : `The record fails now in another way (${made.failures.map((each) => `${each.operator}, ${each.code}: ${each.message}`).join('; ')})`
  const reasons = [
    ...(revision !== plan.revision
      ? [`the config is not the one that it failed with (${revision}, now ${plan.revision})`]
      : []),
    ...(disposition === 'retry' ? ['the fault was one that may pass: what was asked outside may answer now'] : []),
    ...(redact.length > 0 ? [`what is masked (${redact.join(', ')}) may be the reason`] : []),
    ...(made.hasState ? ['the state is what the pipeline keeps now, not what it kept then'] : []),
  ]
  const why =
    reasons.length > 0
      ? reasons
      : ['what failed may depend on the time, on state that is gone, or on something outside']
  return printable(
    `${found}; the letter has ${operator}, ${fault.code}: ${fault.message}\nNothing was appended. Why that may be:\n${why.map((reason) => `  - ${reason}\n`).join('')}`,
  ).trimEnd()
}
