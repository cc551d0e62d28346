import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, it } from 'vitest'
import { addressOption, advertised } from '../../src/cli/run/advertised.ts'

it.each([
  [{}, 'http://127.0.0.1:4680', undefined],
  [{ host: 'localhost' }, 'http://127.0.0.1:4680', undefined],
  [{ host: '::1' }, 'http://[::1]:4680', undefined],
  [{ host: '10.0.0.5' }, 'http://10.0.0.5:8080', '10.0.0.5:8080'],
  [{ host: 'fd00::5' }, 'http://[fd00::5]:80', '[fd00::5]:80'],
  [{ host: '0.0.0.0', advertise: 'web-1:80' }, 'http://0.0.0.0:4680', 'web-1:80'],
  [{ advertise: 'web-1:80' }, 'http://127.0.0.1:4680', 'web-1:80'],
])('%j at %s is reached at %s', (options, url, address) => {
  expect(advertised(options, url)).toBe(address)
})

it('a server that listens everywhere is reached at an address of the machine, if that has one', () => {
  const address = advertised({ host: '0.0.0.0' }, 'http://0.0.0.0:4680')
  const outward = Object.values(networkInterfaces()).flatMap((each) => each?.filter(({ internal }) => !internal) ?? [])
  if (outward.every(({ scopeid }) => scopeid)) return expect(address).toBeUndefined()
  const { hostname, port } = new URL(`http://${address}`)
  expect([isIP(hostname.replace(/[[\]]/g, '')) > 0, port]).toEqual([true, '4680'])
})

it('an address is a host and a port', () => {
  expect(addressOption('web-1:80')).toBe('web-1:80')
  for (const wrong of ['web-1', 'http://web-1:80', 'web-1:0', 'web-1:70000', 'a@b:80', 'web-1:80/path'])
    expect(() => addressOption(wrong)).toThrow(/expected host:port/)
})
