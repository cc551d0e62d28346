import type { Broker } from '../../broker/broker.ts'
import type { Log } from '../../component/context.ts'
import { ServerError, startServer, type RunningServer } from '../../server/server.ts'
import type { RunningPipeline } from '../../topology/running.ts'
import { CommandFailure } from '../failure.ts'

const defaultPort = 4680

export interface ListenParts {
  readonly pipelines: readonly RunningPipeline[]
  readonly broker: Broker
  readonly log: Log
}

/**
 * Serves HTTP on the port, or on the default one, or, where that is taken, on a free one.
 * @throws CommandFailure when the port that was asked for cannot be had
 */
export async function listen(port: number | undefined, parts: ListenParts): Promise<RunningServer> {
  try {
    return await startServer({ ...parts, port: port ?? defaultPort })
  } catch (thrown) {
    if (!(thrown instanceof ServerError)) throw thrown
    const taken = (thrown.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
    if (port !== undefined || !taken) throw new CommandFailure(thrown.message, { cause: thrown })
  }
  const server = await startServer({ ...parts, port: 0 })
  parts.log.info({ url: server.url }, `Port ${defaultPort} is in use; this is another free one. --port names one.`)
  return server
}
