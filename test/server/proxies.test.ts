import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Door } from '../../src/server/security/door.ts'
import { Proxies } from '../../src/server/security/proxies.ts'
import { Users } from '../../src/server/security/users.ts'
import { silentLog } from '../../src/testing/operatorContext.ts'

const request = (remoteAddress: string, said?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': said } }) as unknown as IncomingMessage

describe('where a request comes from', () => {
  const proxies = new Proxies(['10.0.0.1', '10.0.1.0/24', '2001:db8::/64'])

  it.each([
    ['nothing is said of it', '10.0.0.1', undefined, '10.0.0.1'],
    ['is what the proxy says', '10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['is what the proxy of the proxy says', '10.0.0.1', '203.0.113.7, 10.0.1.9', '203.0.113.7'],
    ['is what a proxy says by IPv6', '2001:db8::5%eth0', '203.0.113.7', '203.0.113.7'],
    ['is what a proxy says whose address is one of IPv4', '::ffff:10.0.0.1', '2001:DB8:1::7', '2001:db8:1::7'],
    ['has no port', '10.0.0.1', '203.0.113.7:4711', '203.0.113.7'],
    ['has neither port nor brackets', '10.0.0.1', '[2001:db8:1::7]:4711', '2001:db8:1::7'],
    ['is the proxy where that says no address', '10.0.0.1', '203.0.113.7, unknown', '10.0.0.1'],
    ['is the proxy where that says nothing', '10.0.0.1', '', '10.0.0.1'],
  ])('%s', (_, peer, said, address) => {
    expect(proxies.addressOf(request(peer, said))).toBe(address)
  })

  it.each([
    ['a peer that is no proxy', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['who came to the proxy', '10.0.0.1', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['who came to the proxy, and names one', '10.0.0.1', '10.0.1.9, 203.0.113.7', '203.0.113.7'],
    ['a neighbour of the proxy', '10.0.0.2', '198.51.100.1', '10.0.0.2'],
  ])('is not what is said of it by %s', (_, peer, said, address) => {
    expect(proxies.addressOf(request(peer, said))).toBe(address)
    expect(new Proxies().addressOf(request(peer, said))).toBe(peer)
  })
})

it.each(['10.0.0', '10.0.0.0/33', '::1/129', 'proxy.example.org', '0.0.0.0/0', '10.0.0.1/x', ''])(
  '`%s` is no proxy',
  (network) => {
    expect(() => new Proxies([network])).toThrow(`\`${network}\` is no address, and no network such as 10.0.0.0/8`)
  },
)

it('who tries many tokens through a proxy that is believed keeps nobody else out, and gets no further by naming others', () => {
  const door = new Door(new Users('anna view 0123456789abcdef'), silentLog, new Proxies(['10.0.0.1']), () => 1_000_000)
  const enter = (token: string, said: string) => door.enter(token, request('10.0.0.1', said))?.name
  for (let time = 0; time < 20; time++) expect(enter('wrong', `198.51.100.${time}, 203.0.113.7`)).toBeUndefined()
  expect(() => enter('wrong', '198.51.100.99, 203.0.113.7')).toThrow('Too many wrong tokens')
  expect(enter('0123456789abcdef', '203.0.113.8')).toBe('anna')
})
