import { networkInterfaces } from 'node:os'
import { InvalidArgumentError } from 'commander'
import { isLocal } from '../../server/host.ts'

export interface AdvertiseOptions {
  /** host:port */
  readonly advertise?: string
  /** The address that the HTTP server listens on; only this machine when absent. */
  readonly host?: string
}

/**
 * host:port where the other members of a group reach the HTTP server: what is said, else the address that it listens on;
 * where that is every one, the first of this machine that others may know. Undefined where only this machine reaches it.
 * @param url of the server
 */
export function advertised({ advertise, host }: AdvertiseOptions, url: string): string | undefined {
  if (advertise !== undefined) return advertise
  if (host === undefined || isLocal(host)) return undefined
  const own = host === '0.0.0.0' || host === '::' ? firstOfMachine() : host
  if (own === undefined) return undefined
  return `${own.includes(':') ? `[${own}]` : own}:${new URL(url).port || '80'}`
}

const firstOfMachine = (): string | undefined => {
  const known = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const outward = known.filter(({ internal, scopeid }) => !internal && !scopeid)
  return (outward.find(({ family }) => family === 'IPv4') ?? outward[0])?.address
}

export function addressOption(text: string): string {
  const port = /^(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})$/.exec(text)?.[2]
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return text
  throw new InvalidArgumentError('expected host:port, as other members of the consumer group reach it.')
}
