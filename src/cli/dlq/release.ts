import { Command } from 'commander'
import { commandRecord, keyText } from '../../topology/lane.ts'
import { prepareTopics } from '../../topology/prepareTopics.ts'
import { openPlace, placeOf, withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { print } from '../output.ts'
import { readPlan } from '../plans.ts'
import { orderedSources } from './letterChoice.ts'

interface ReleaseOptions extends BrokerOptions {
  readonly source?: string
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
      .option('--source <name>', 'only in a source'),
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
    const lanes = await broker.topics(sources.map(({ lane }) => lane))
    const command = { command: 'release', key: keyText(Buffer.from(key)) } as const
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
