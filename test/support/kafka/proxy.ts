import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Keys of requests, by Kafka's protocol. */
export const apiKeys = {
  Produce: 0,
  OffsetCommit: 8,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
} as const

export type ApiName = keyof typeof apiKeys

/** Between clients and a node: cuts their connections, or loses the answer to a request that the node has carried out. */
export class Proxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target = 0
  #cut = false
  #losing: number | undefined
  /** Answers that were lost. */
  lost = 0

  private constructor() {
    this.#server = createServer((client) => this.#connect(client))
  }

  static async listen(): Promise<Proxy> {
    const proxy = new Proxy()
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  /** The port of the node. */
  set target(port: number) {
    this.#target = port
  }

  /** Ends all connections, and lets none begin until it is healed. */
  cut(): void {
    this.#cut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  heal(): void {
    this.#cut = false
  }

  /** The next answer to such a request does not arrive, and its connection ends. */
  loseNext(api: ApiName): void {
    this.#losing = apiKeys[api]
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #connect(client: Socket): void {
    if (this.#cut) return void client.destroy()
    const node = connect(this.#target, '127.0.0.1')
    const pending = new Map<number, number>()
    const end = (): void => {
      for (const socket of [client, node]) {
        socket.destroy()
        this.#sockets.delete(socket)
      }
    }
    for (const socket of [client, node]) {
      this.#sockets.add(socket)
      socket.setNoDelay()
      socket.on('error', end)
      socket.on('close', end)
    }
    client.on(
      'data',
      frames((frame) => {
        pending.set(frame.readInt32BE(8), frame.readInt16BE(4))
        node.write(frame)
      }),
    )
    node.on(
      'data',
      frames((frame) => {
        const api = pending.get(frame.readInt32BE(4))
        pending.delete(frame.readInt32BE(4))
        if (api !== undefined && api === this.#losing) {
          this.#losing = undefined
          this.lost++
          return end()
        }
        if (!client.destroyed) client.write(frame)
      }),
    )
  }
}

/** Cuts a stream into messages of Kafka's protocol: four bytes of size, then so many. */
function frames(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      take(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}
