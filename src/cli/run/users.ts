import { readFileSync } from 'node:fs'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { isLocal } from '../../server/host.ts'
import { exposed } from '../../server/exposed.ts'
import { Proxies } from '../../server/security/proxies.ts'
import { TokenProblem, Users } from '../../server/security/users.ts'
import { UsageError } from '../failure.ts'

export interface UserOptions {
  readonly tokenFile?: string
  /** The address that the HTTP server listens on; only this machine when absent. */
  readonly host?: string
  readonly trustProxy?: Proxies
}

const variable = 'OXBOW_TOKENS'

/** Adds the options that say where HTTP is served, and to whom. */
export const withAddress = (command: Command): Command =>
  command
    .option('--host <address>', 'address that the HTTP server listens on (default: 127.0.0.1, this machine only)')
    .option(
      '--token-file <file>',
      `who may ask over HTTP: lines of NAME ROLE TOKEN, roles view, operate, edit (default: $${variable})`,
    )
    .addOption(
      new Option(
        '--trust-proxy <list>',
        'addresses or networks of proxies whose X-Forwarded-For says where requests come from, with commas between',
      )
        .env('OXBOW_TRUST_PROXY')
        .argParser(proxiesIn),
    )

function proxiesIn(text: string): Proxies {
  const networks = text.split(',').flatMap((each) => each.trim() || [])
  try {
    return new Proxies(networks)
  } catch (thrown) {
    throw new InvalidArgumentError(`${(thrown as Error).message}.`)
  }
}

/**
 * Who may ask over HTTP; undefined where whoever reaches it may do everything, which is this machine alone.
 * @throws UsageError for tokens that cannot be read, and where others would be let in without
 */
export function usersOf({ tokenFile, host }: UserOptions, environment: NodeJS.ProcessEnv): Users | undefined {
  const given = tokenFile === undefined ? environment[variable] : contentOf(tokenFile)
  if (given === undefined || (tokenFile === undefined && given.trim() === '')) {
    if (host !== undefined && !isLocal(host)) throw new UsageError(exposed(host))
    return undefined
  }
  try {
    return new Users(given)
  } catch (thrown) {
    if (!(thrown instanceof TokenProblem)) throw thrown
    throw new UsageError(`${tokenFile ?? variable}: ${thrown.message}`)
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new UsageError(`--token-file cannot be read: ${(thrown as Error).message}`)
  }
}
