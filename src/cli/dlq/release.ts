import { Command } from 'commander'
import { commandRecord, keyText } from '../../topology/lane.ts'
import { prepareTopics } from '../../topology/prepareTopics.ts'
import { openPlace, placeOf, withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { accountName } from '../../deadletter/ledger/accountName.ts'
import { print } from '../output.ts'
import { readPlan } from '../plans.ts'
import { sourcesOf } from './letterChoice.ts'
import { CommandFailure } from '../failure.ts'
import type { Plan, PlannedSource } from '../../topology/plan.ts'

interface ReleaseOptions extends BrokerOptions {
  readonly source?: string
  readonly why?: string
}

export const dlqReleaseCommand = (): Command =>
  withBroker(
    new Command('release')
      .summary('let a key go on, whatever holds it up')
      .description(
        'Lets the parked records of a key go on, in order, without the dead ones before them. Needs no letter: it helps when retention has deleted it.',
      )
      .argument('<file>', 'the config of the pipeline')
      .argument('<key>', 'the key')
      .option('--source <name>', 'only in a source')
      .option('--why <text>', 'why: the ledger keeps it'),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq release orders.yaml customer-17`,
    )
    .action(release)

async function release(path: string, key: string, options: ReleaseOptions): Promise<void> {
  const { file, plan } = readPlan(path)
  const sources = orderedSources(plan, options.source)
  const broker = await openPlace(placeOf(options, file), 'append')
  try {
    await prepareTopics(
      broker,
      plan.topics.filter(({ partitionsOf }) => partitionsOf !== undefined),
    )
    const lanes = await broker.topics(sources.map(({ lane }) => lane!))
    const said = { by: accountName(), why: options.why ?? '' }
    const command = { command: 'release', key: keyText(Buffer.from(key)), ...said } as const
    // The key may have been produced by any partitioner: whoever does not hold it passes the command over.
    const outputs = lanes.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => commandRecord(name, partition, command, Date.now())),
    )
    await broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
    await print(`The key ${key} is released: what is parked goes on. The pipeline does it when it runs.\n`)
  } finally {
    await broker.close()
  }
}

/** @throws CommandFailure where no source, or not the one that is named, keeps the order of its keys */
function orderedSources(plan: Plan, wanted: string | undefined): readonly PlannedSource[] {
  const ordered = sourcesOf(plan, wanted).filter(({ deadLetters }) => deadLetters.parked)
  if (ordered.length > 0) return ordered
  throw new CommandFailure(
    `${wanted ?? plan.name} does not keep the order of keys (\`deadLetters: { order: key }\`): its dead letters hold nothing up`,
  )
}
