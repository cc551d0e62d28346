import { Command } from 'commander'
import { catalog } from '../catalog.ts'
import { createLog, logDestination } from '../monitor/log.ts'
import { planMonitor } from '../monitor/plan.ts'
import { ObservedPipeline } from '../topology/observed.ts'
import { planRetry } from '../topology/retryTopic.ts'
import { openPlace, secretsIn, withBroker, type BrokerOptions } from './brokerOptions.ts'
import { findLetterTopics } from './dlq/letterTopics.ts'
import { Exit, exitCodes } from './failure.ts'
import { ledgerOf } from './ledgerOf.ts'
import { onePlace, soundPlans } from './plans.ts'
import { listen } from './run/listen.ts'
import { plotsOf } from './run/plots.ts'
import { portNumber } from './run/port.ts'
import { usersOf, withAddress, type UserOptions } from './run/users.ts'
import { onStopSignal, type StopSignal } from './signals.ts'

interface UiOptions extends BrokerOptions, UserOptions {
  readonly port?: number
}

export const uiCommand = (): Command =>
  withBroker(
    withAddress(
      new Command('ui')
        .description(
          'Serves the workbench without running anything: dead letters, topics, state, in a browser and as an HTTP API.',
        )
        .argument('[file...]', 'configs: letters can go back to their pipelines')
        .option('--port <number>', 'port of the HTTP server (default: 4680, or a free one)', portNumber),
    ),
  )
    .addHelpText(
      'after',
      `
It works beside the process that runs the pipelines, on the embedded broker too: what it sends back is taken up there. Without
a config it shows every dead-letter topic, and nothing can be sent back or discarded.

Examples:
  oxbow ui
  oxbow ui orders.yaml --data /var/lib/oxbow --port 8080
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
    const otherLetters = planned.length === 0 ? () => findLetterTopics(broker) : undefined
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
