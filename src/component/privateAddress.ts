import { lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** IPv4 ranges that are not the public internet (IANA special-purpose registry), as [first address, prefix length]. */
const privateIPv4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const

/** The only IPv6 space that is public; of it, what carries an IPv4 address or is set aside. */
const publicIPv6 = ['2000::', 3] as const
const specialIPv6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

const notPublic = new BlockList()
for (const [net, prefix] of privateIPv4) notPublic.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of specialIPv6) notPublic.addSubnet(net, prefix, 'ipv6')

const globalIPv6 = new BlockList()
globalIPv6.addSubnet(publicIPv6[0], publicIPv6[1], 'ipv6')

/**
 * Whether an IP address is anything but a public unicast one: loopback, private, link-local, shared (CGNAT), multicast,
 * reserved, or IPv6 that wraps an IPv4 address (mapped, NAT64, 6to4, Teredo).
 */
export function isPrivateAddress(address: string): boolean {
  if (isIP(address) === 4) return notPublic.check(address, 'ipv4')
  return isIP(address) !== 6 || !globalIPv6.check(address, 'ipv6') || notPublic.check(address, 'ipv6')
}

/** A connection was refused before it was made. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError'
}

/** Resolves a name to its public addresses alone; fails with PrivateAddressError where it has none. */
export const lookupPublic: LookupFunction = (hostname, options, callback) =>
  resolve(hostname, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, [])
    const addresses = found.filter(({ address }) => !isPrivateAddress(address))
    const [first] = addresses
    if (!first) return callback(new PrivateAddressError(`${hostname} has no public address`), [])
    if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
