import type { Broker } from '../../broker/broker.ts'
import type { Log } from '../../component/context.ts'
import type { Ledger } from '../../deadletter/ledger/ledger.ts'
import type { PlannedPlot } from '../../server/plots/routes.ts'
import type { Proxies } from '../../server/security/proxies.ts'
import type { Users } from '../../server/security/users.ts'
import { ServerError, startServer, type RunningServer } from '../../server/server.ts'
import type { WatchedTopic } from '../../server/workbench/workbench.ts'
import type { RunningPipeline } from '../../topology/running.ts'
import { CommandFailure } from '../failure.ts'

const defaultPort = 4680

export interface ListenParts {
  readonly pipelines: readonly RunningPipeline[]
  readonly plots: readonly PlannedPlot[]
  readonly broker: Broker
  readonly ledger: Ledger
  readonly log: Log
  /** Who may ask; whoever reaches it when absent. */
  readonly users: Users | undefined
  /** Dead-letter topics that are of none of the pipelines. */
  readonly otherLetters?: () => Promise<readonly WatchedTopic[]>
}

/** Where to listen; this machine only, and the default port, where nothing is said. */
export interface ListenOptions {
  readonly host?: string
  readonly port?: number
  readonly trustProxy?: Proxies
}

/**
 * Serves HTTP on the port, or on the default one, or, where that is taken, on a free one.
 * @throws CommandFailure when the host or the port that was asked for cannot be had
 */
export async function listen(
  { host, port, trustProxy: proxies }: ListenOptions,
  { users, ...parts }: ListenParts,
): Promise<RunningServer> {
  const place = { ...parts, ...(host !== undefined && { host }), ...(users && { users }), ...(proxies && { proxies }) }
  try {
    return await startServer({ ...place, port: port ?? defaultPort })
  } catch (thrown) {
    if (!(thrown instanceof ServerError)) throw thrown
    const taken = (thrown.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
    if (port !== undefined || !taken) throw new CommandFailure(thrown.message, { cause: thrown })
  }
  const server = await startServer({ ...place, port: 0 })
  parts.log.info({ url: server.url }, `Port ${defaultPort} is in use; this is another free one. --port names one.`)
  return server
}
