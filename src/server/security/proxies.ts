import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** The proxies in front of the server that are believed about where a request comes from: what others say of it, anybody can write. */
export class Proxies {
  readonly #trusted = new BlockList()

  /**
   * @param networks addresses, or networks such as `10.0.0.0/8`
   * @throws Error naming the one that is neither
   */
  constructor(networks: readonly string[] = []) {
    for (const network of networks) {
      const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? []
      const most = bitsOf(address)
      const prefix = Number(bits ?? most)
      // With 0 bits everybody would be believed.
      if (most === undefined || prefix < 1 || prefix > most)
        throw new Error(`\`${network}\` is no address, and no network such as 10.0.0.0/8`)
      this.#trusted.addSubnet(address, prefix, familyOf(address))
    }
  }

  /**
   * Where a request comes from: the peer, or, as long as that is a proxy which is believed, whom it says that it speaks for. Each one adds its
   * peer at the end of `X-Forwarded-For`: what stands before that, whoever came to it wrote.
   */
  addressOf({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): string {
    const said = [headers['x-forwarded-for'] ?? []].flat().join().split(',')
    let address = plain(socket.remoteAddress ?? '')
    while (this.#isTrusted(address)) {
      const next = plain((said.pop() ?? '').trim())
      if (isIP(next) === 0) break
      address = next
    }
    return address
  }

  #isTrusted(address: string): boolean {
    return isIP(address) !== 0 && this.#trusted.check(address, familyOf(address))
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

const bitsOf = (address: string): number | undefined => ({ 0: undefined, 4: 32, 6: 128 })[isIP(address) as 0 | 4 | 6]

/** Without a port and brackets, the name of an interface, and what says that it is one of IPv4. */
function plain(text: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? []
  const address = (bracketed ?? text.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')).replace(/%.*$/, '')
  return address.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase()
}
