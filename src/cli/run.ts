import { Command, InvalidArgumentError, Option } from 'commander'
import { createLog, logDestination } from '../monitor/log.ts'
import type { Users } from '../server/security/users.ts'
import type { RunningServer } from '../server/server.ts'
import { openPlace, secretsIn, withBroker, type BrokerOptions, type BrokerPlace } from './brokerOptions.ts'
import { planRetry } from '../topology/retryTopic.ts'
import { CommandFailure, Exit, exitCodes, UsageError } from './failure.ts'
import { ledgerOf } from './ledgerOf.ts'
import { onePlace, soundPlans, type PlannedFile } from './plans.ts'
import { addressOption, advertised, type AdvertiseOptions } from './run/advertised.ts'
import { plotsOf } from './run/plots.ts'
import { portNumber } from './run/port.ts'
import { printConservation } from './run/conservation.ts'
import { showProgress } from './run/progress.ts'
import type { Role } from './run/roles.ts'
import { Session, type SessionParts } from './run/session.ts'
import { refuseThreads } from './run/threads/refuse.ts'
import { Threads } from './run/threads/threads.ts'
import { usersOf, withAddress, type UserOptions } from './run/users.ts'
import { tooLate } from './run/tooLate.ts'
import { heldText, stillHeld } from './run/waiting.ts'
import { onStopSignal, type StopSignal } from './signals.ts'

interface RunOptions extends BrokerOptions, AdvertiseOptions, UserOptions {
  /** False for --no-http. */
  readonly http: boolean
  readonly port?: number
  readonly untilIdle?: true
  readonly threads: number
  readonly role?: Role
  readonly json?: true
}

export const runCommand = (): Command =>
  withBroker(
    withAddress(
      new Command('run')
        .description('Runs pipelines until it is told to stop.')
        .argument('<file...>', 'configs')
        .option('--port <number>', 'port of the HTTP server (default: 4680, or a free one)', portNumber),
    )
      .option('--no-http', 'no HTTP server')
      .addOption(
        new Option(
          '--advertise <host:port>',
          'where other members of the consumer group reach the HTTP server (default: the address that it listens on, if not of this machine only)',
        )
          .env('OXBOW_ADVERTISE')
          .argParser(addressOption),
      )
      .option('--until-idle', 'poll each source once, and stop when nothing is in flight or waits for a retry')
      .option(
        '--threads <count>',
        'worker threads to run in, each a member of the consumer group (Kafka)',
        threadCount,
        1,
      )
      .addOption(
        new Option('--role <role>', 'only a part: the pipelines without their retry pipelines, or these').choices([
          'main',
          'retry',
        ]),
      )
      .option('--json', 'print the conservation as JSON, one object a line'),
  )
    .addHelpText(
      'after',
      `
SIGTERM and SIGINT (Ctrl-C) let the work in hand commit and leave the rest for the next start; a second one ends it at
once, which loses nothing either. When it stops it prints, for each source and stream,
read = emitted + dropped + dead + in flight. With --until-idle, exit code 1 when a source could not be polled or a task
had to stop.

A source with a retry topic (deadLetters.retry.topic) has its retries run by a second pipeline, <name>.retry: in the same
process, or in one of its own with --role. On the embedded broker, one process at a time.

Examples:
  oxbow run orders.yaml
  oxbow run orders.yaml prices.yaml --data /var/lib/oxbow --port 8080
  oxbow run orders.yaml --until-idle --json
  oxbow run orders.yaml --role main & oxbow run orders.yaml --role retry --no-http`,
    )
    .action(run)

async function run(paths: readonly string[], options: RunOptions, command: Command): Promise<void> {
  if (!options.http && command.getOptionValueSource('advertise') === 'cli')
    throw new UsageError('--advertise is where the HTTP server is reached: leave it out, or --no-http')
  const users = options.http ? usersOf(options, process.env) : undefined
  const planned = await soundPlans(paths)
  const { role } = options
  if (role === 'retry' && planned.every(({ plan }) => !planRetry(plan)))
    throw new UsageError('no source has a retry topic: leave --role out, or name one as deadLetters.retry.topic')
  const place = onePlace(planned, options)
  if (options.threads > 1) refuseThreads(planned, place)
  const stop = Promise.withResolvers<StopSignal>()
  onStopSignal(stop.resolve)
  await Promise.race([runAt(place, planned, stop.promise, { ...options, users }), tooLate(place, stop.promise)])
}

async function runAt(
  place: BrokerPlace,
  planned: readonly PlannedFile[],
  stopped: Promise<StopSignal>,
  options: RunOptions & HasUsers,
): Promise<void> {
  const destination = logDestination()
  const secrets = [...planned.flatMap(({ file }) => file.secrets), ...secretsIn(place)]
  const log = createLog({ secrets, destination })
  const broker = await openPlace(place, 'run', { log })
  const ledger = ledgerOf(place, broker)
  try {
    const parts = { planned, broker, ledger, log, untilIdle: options.untilIdle ?? false, role: options.role }
    const threads = options.threads > 1 && threadsOf(parts, options, (line) => void destination.write(line))
    await operate({ ...parts, ...(threads && { threads }) }, stopped, options)
  } finally {
    await ledger.close()
    await broker.close()
  }
}

/** Worker threads that run the same pipelines. @param write takes the lines of their logs */
function threadsOf({ planned, log, untilIdle }: SessionParts, options: RunOptions, write: (line: string) => void) {
  const { threads: count, data, kafka, role } = options
  const assignment = {
    paths: planned.map(({ file }) => file.file),
    revisions: planned.map(({ file }) => file.revision),
    options: { ...(data !== undefined && { data }), ...(kafka && { kafka }) },
    role,
    once: untilIdle,
  }
  const exact = planned.every(({ file }) => file.config.guarantee === 'exactlyOnce')
  return new Threads({ count, exact, assignment, write, log })
}

/** Who may ask over HTTP. */
interface HasUsers {
  readonly users: Users | undefined
}

async function operate(
  parts: SessionParts,
  stopped: Promise<StopSignal>,
  options: RunOptions & HasUsers,
): Promise<void> {
  const { broker, ledger, log } = parts
  const session = new Session(parts)
  let server: RunningServer | undefined
  let signal: StopSignal | undefined
  let troubles: readonly string[] = []
  try {
    if (options.http)
      server = await (
        await import('./run/listen.ts')
      ).listen(options, {
        pipelines: session.all,
        plots: plotsOf(parts.planned),
        broker,
        ledger,
        log,
        users: options.users,
      })
    const address = server && advertised(options, server.url)
    await session.start(address)
    const names = session.pipelines.map(({ name }) => name)
    const shown = server ? ` Its page: ${server.url}` : ''
    log.info(
      { pipelines: names, ...(server && { url: server.url }), ...(address !== undefined && { advertised: address }) },
      `Running ${names.join(', ')}.${shown}`,
    )
    signal = options.untilIdle ? await untilIdle(session, stopped, log) : await stopped
    troubles = await session.troubles()
    const held = signal ? [] : await stillHeld(session.pipelines)
    log.info({ ...(signal && { signal }) }, signal ? 'Stopping.' : 'Nothing is left to do.')
    if (held.length > 0) log.info({ held }, heldText(held))
  } finally {
    await session.stop()
    await server?.close()
  }
  await printConservation(await session.conservation(), options.json ?? false)
  if (signal) throw new Exit(signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.done)
  if (troubles.length > 0) throw new CommandFailure(troubleText(troubles))
}

async function untilIdle(
  session: Session,
  stopped: Promise<StopSignal>,
  log: SessionParts['log'],
): Promise<StopSignal | undefined> {
  const endProgress = await showProgress(session, log)
  try {
    return await Promise.race([stopped, session.idle().then(() => undefined)])
  } finally {
    endProgress()
  }
}

const troubleText = (troubles: readonly string[]): string =>
  `not everything was done:
${troubles.map((trouble) => `  ${trouble}`).join('\n')}
Nothing of it is lost. Mend the cause and run it again: it goes on where it stopped.`

function threadCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a number from 1 on.')
}
