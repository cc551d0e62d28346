import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { topicName } from '../../component/fields.ts'
import { ledgerOf } from '../../deadletter/ledger/entry.ts'
import type { Letter } from '../../deadletter/readLetter.ts'
import { importLetters, ImportStopped, type Imported } from '../../redrive/importLetters.ts'
import { externalSources, type Plan } from '../../topology/plan.ts'
import { placeOf, withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { CommandFailure, Exit, exitCodes, UsageError } from '../failure.ts'
import { accountName } from '../../deadletter/ledger/accountName.ts'
import { counted, print, printJson } from '../output.ts'
import { openAt } from './openLedger.ts'

interface ImportOptions extends BrokerOptions {
  readonly into: string
  readonly json?: true
}

export const dlqImportCommand = (): Command =>
  withBroker(
    new Command('import')
      .summary('bring exported dead letters back')
      .description(
        'Brings letters that `oxbow dlq export` wrote (format jsonl) back to a dead-letter topic: the same bytes under the same ids, and what became of them. Letters that are there already are passed over, so that it can be given again.',
      )
      .argument('<letters>', 'the file')
      .requiredOption(
        '--into <file or topic>',
        'a config: each letter goes to the topic of its source; or a topic for all',
      )
      .option('--json', 'one JSON object: imported, present, old, refused'),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq import letters.jsonl --into orders.yaml
  oxbow dlq import letters.jsonl --into dlq.orders.v1`,
    )
    .action(importFile)

async function importFile(path: string, options: ImportOptions): Promise<void> {
  if (!existsSync(path)) throw new CommandFailure(`${path}: there is no such file`)
  const isConfig = existsSync(options.into) || /\.ya?ml$/.test(options.into)
  const planned = isConfig ? (await import('../plans.ts')).readPlan(options.into) : undefined
  const { topics, topicOf } = planned ? topicsOfPlan(planned.plan) : oneTopic(options.into)
  const { broker, ledger, close } = await openAt(placeOf(options, planned?.file), 'append')
  try {
    const specs = planned?.plan.topics ?? []
    const needed = topics.flatMap((topic) => [topic, ledgerOf(topic)])
    await broker.ensureTopics(needed.map((name) => specs.find((spec) => spec.name === name) ?? { name }))
    const done = await importLetters(linesOf(path), {
      broker,
      ledger,
      topics,
      topicOf,
      now: Date.now(),
      by: accountName(),
      why: `imported from ${path}`,
    })
    await report(done, options)
    if (done.refused.size > 0) throw new Exit(exitCodes.failed)
  } catch (thrown) {
    if (thrown instanceof ImportStopped) throw new CommandFailure(`${path}: ${thrown.message}`)
    throw thrown
  } finally {
    await close()
  }
}

/** The lines of a file. Opened when the first line is asked for: an interface loses the lines that come before anybody reads. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  yield* createInterface({ input: createReadStream(path), crlfDelay: Infinity })
}

interface Targets {
  readonly topics: readonly string[]
  readonly topicOf: (letter: Letter) => string | undefined
}

function topicsOfPlan(plan: Plan): Targets {
  const bySource = new Map(externalSources(plan).map(({ name, deadLetters }) => [name, deadLetters.topic]))
  return { topics: [...new Set(bySource.values())], topicOf: ({ source }) => bySource.get(source) }
}

function oneTopic(topic: string): Targets {
  const named = topicName().safeParse(topic)
  if (!named.success) throw new UsageError(`--into \`${topic}\`: ${named.error.issues[0]!.message}`)
  return { topics: [topic], topicOf: () => topic }
}

async function report({ imported, present, old, refused }: Imported, { json }: ImportOptions): Promise<void> {
  if (json) return printJson({ imported, present, old, refused: Object.fromEntries(refused) })
  const there = present > 0 ? `; ${present.toLocaleString('en-US')} there already` : ''
  await print(`${counted(imported, 'letter')} imported${there}.\n`)
  for (const [why, count] of refused) console.error(`${counted(count, 'letter')} not imported: ${why}`)
  if (old > 0)
    console.error(
      `${counted(old, 'letter')} failed longer ago than the topic keeps letters, and retention will delete them soon; raise \`deadLetters.retention\``,
    )
}
