import type { IncomingMessage } from 'node:http'

const local = /^(localhost|[\w-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i

/** Whether an address, or a request's host, is of this machine only. */
export const isLocal = (host: string): boolean => local.test(host) || host === '::1'

/**
 * Whether a request may be answered. Where only this machine is listened to, it must name this machine: a page of another
 * site whose name leads here (DNS rebinding) names that site, and would read what is not its own.
 * @param address the address that is listened to
 */
export function isForUs({ headers: { host = '' } }: IncomingMessage, address: string): boolean {
  return !isLocal(address) || local.test(host)
}
