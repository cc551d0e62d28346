import { Command, InvalidArgumentError } from 'commander'
import type { Broker } from '../broker/broker.ts'
import { catalog } from '../catalog.ts'
import { topicName } from '../component/fields.ts'
import { createLog, logDestination } from '../monitor/log.ts'
import { planMonitor } from '../monitor/plan.ts'
import type { WorkbenchParts } from '../server/workbench/workbench.ts'
import { ObservedPipeline } from '../topology/observed.ts'
import { planRetry } from '../topology/retryTopic.ts'
import { openPlace, secretsIn, withBroker, type BrokerOptions } from './brokerOptions.ts'
import { findLetterTopics } from './dlq/letterTopics.ts'
import { Exit, exitCodes } from './failure.ts'
import { findTopic } from './findTopic.ts'
import { ledgerOf } from './ledgerOf.ts'
import { onePlace, soundPlans } from './plans.ts'
import { listen } from './run/listen.ts'
import { plotsOf } from './run/plots.ts'
import { portNumber } from './run/port.ts'
import { usersOf, withAddress, type UserOptions } from './run/users.ts'
import { onStopSignal, type StopSignal } from './signals.ts'

interface UiOptions extends BrokerOptions, UserOptions {
  readonly port?: number
  readonly topic?: readonly string[]
}

export const uiCommand = (): Command =>
  withBroker(
    withAddress(
      new Command('ui')
        .description(
          'Serves the workbench without running anything: dead letters, topics, state, in a browser and as an HTTP API.',
        )
        .argument('[file...]', 'configs: letters can go back to their pipelines')
        .option('--port <number>', 'port of the HTTP server (default: 4680, or a free one)', portNumber)
        .option(
          '--topic <list>',
          'also dead letters on these topics, with commas between, whoever wrote them (default without a config: all that there are)',
          topicList,
        ),
    ),
  )
    .addHelpText(
      'after',
      `
It works beside the process that runs the pipelines, on the embedded broker too: what it sends back is taken up there. Without
a config it shows every dead-letter topic, and nothing can be sent back or discarded. Letters of others (Kafka Connect, Spring, …) that
no config reads as a queue are named by their topic, and can go to the pipeline that reads their source.

Examples:
  oxbow ui
  oxbow ui orders.yaml --data /var/lib/oxbow --port 8080
  oxbow ui orders.yaml --topic connect.dlq
  oxbow ui orders.yaml --host 0.0.0.0 --token-file tokens.txt`,
    )
    .action(serve)

async function serve(paths: readonly string[], options: UiOptions): Promise<void> {
  const users = usersOf(options, process.env)
  const planned = await soundPlans(paths)
  const place = onePlace(planned, options)
  const stopped = Promise.withResolvers<StopSignal>()
  onStopSignal(stopped.resolve)
  const secrets = [...planned.flatMap(({ file }) => file.secrets), ...secretsIn(place)]
  const log = createLog({ secrets, destination: logDestination() })
  const broker = await openPlace(place, 'append')
  const ledger = ledgerOf(place, broker)
  try {
    const plans = planned.flatMap(({ file, plan }) => [
      plan,
      planRetry(plan) ?? [],
      planMonitor({ file, plan, broker, ledger, catalog }) ?? [],
    ])
    const pipelines = plans.flat().map((plan) => new ObservedPipeline(plan, broker))
    const otherLetters = await otherLettersOf(broker, planned.length > 0, options)
    const server = await listen(options, {
      ...{ pipelines, plots: plotsOf(planned), broker, ledger, log, users },
      ...(otherLetters && { otherLetters }),
    })
    log.info({ url: server.url }, `The workbench: ${server.url}`)
    const signal = await stopped.promise
    await server.close()
    throw new Exit(signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.done)
  } finally {
    await ledger.close()
    await broker.close()
  }
}

async function otherLettersOf(
  broker: Broker,
  isPlanned: boolean,
  { topic: names }: UiOptions,
): Promise<WorkbenchParts['otherLetters']> {
  if (names === undefined) return isPlanned ? undefined : forAWhile(() => findLetterTopics(broker))
  const topics = await broker.topics()
  const named = names.map((name) => ({ topic: findTopic(topics, name).name, source: name }))
  return async () => named
}

function topicList(text: string): readonly string[] {
  const names = text.split(',').map((each) => each.trim())
  const problems = names.flatMap((name) => topicName().safeParse(name).error?.issues ?? [])
  if (problems[0]) throw new InvalidArgumentError(`${problems[0].message}.`)
  return names
}

/** On a large cluster it takes seconds to find them: what was found is good for so many milliseconds. */
const goodFor = 30_000

function forAWhile<T>(find: () => Promise<T>): () => Promise<T> {
  let found: { readonly until: number; readonly result: Promise<T> } | undefined
  return async () => {
    if (!found || found.until < Date.now()) found = { until: Date.now() + goodFor, result: find() }
    const { result } = found
    result.catch(() => (found = undefined))
    return result
  }
}
