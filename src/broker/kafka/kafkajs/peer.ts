import { connect as connectSocket, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  AuthenticationError,
  NetworkError,
  ProtocolError,
  Reader,
  TimeoutError,
  Writer,
  type Callback,
  type ResponseParser,
} from '@platformatic/kafka'
import type { ISocketFactory, KafkaConfig } from 'kafkajs'
import { rebalanceTimeout } from '../assignment.ts'
import type { Connection, Node } from '../client.ts'
import type { KafkaSettings } from '../settings.ts'
import { connectionOf, openCluster, quieten } from './internals.ts'
import { kafkajsOptions } from './options.ts'

/** Requests that wait for the other members of a group. */
const joinGroup = 11
const syncGroup = 14

/** A node, reached by kafkajs. */
export class Peer implements Connection {
  readonly #cluster: ReturnType<typeof openCluster>
  readonly #sockets = new Set<Socket>()
  readonly #patience: number

  constructor(settings: KafkaSettings, role: string, node: Node) {
    const options = kafkajsOptions(settings, role, node)
    this.#cluster = openCluster({ ...options, socketFactory: this.#socketFactory(node, options.ssl) })
    this.#patience = Math.max(rebalanceTimeout, settings.timeouts.session) + settings.timeouts.request
  }

  /** Connects and authenticates where that is not done. @throws NetworkError when the node does not answer */
  async connect(): Promise<void> {
    try {
      await this.#cluster.connect()
    } catch (thrown) {
      throw networkErrorOf(thrown)
    }
  }

  /** @param tagsAsked whether the header of the request ends with tagged fields; tagsAnswered, that of its answer */
  send<R>(
    apiKey: number,
    apiVersion: number,
    createPayload: () => Writer | Promise<Writer>,
    parse: ResponseParser<R>,
    tagsAsked: boolean,
    tagsAnswered: boolean,
    callback: Callback<R>,
  ): void {
    const answer = connectionOf(this.#cluster).send({
      request: {
        apiKey,
        apiVersion,
        apiName: String(apiKey),
        encode: async () => encoded(await createPayload(), tagsAsked),
      },
      response: {
        decode: async (payload) => payload,
        // The header of an answer may end with tagged fields, of which there are none yet.
        parse: async (payload) => parse(0, apiKey, apiVersion, Reader.from(payload.subarray(tagsAnswered ? 1 : 0))),
      },
      ...((apiKey === joinGroup || apiKey === syncGroup) && { requestTimeout: this.#patience }),
    })
    answer.then(
      (payload) => callback(null, payload),
      (thrown: unknown) => {
        // What comes later on this connection is not to be trusted, and kafkajs would use it further.
        if ((thrown as Error).name === 'KafkaJSRequestTimeoutError') this.#cut('A request was not answered in time')
        callback(networkErrorOf(thrown))
      },
    )
  }

  async close(): Promise<void> {
    this.#cut('The connection is closed')
    await this.#cluster.disconnect()
  }

  #cut(why: string): void {
    for (const socket of this.#sockets) socket.destroy(new Error(why))
  }

  /** The sockets of kafkajs, and one more thing: they can be ended from here. */
  #socketFactory({ host, port }: Node, tls: KafkaConfig['ssl']): ISocketFactory {
    return ({ onConnect }) => {
      const socket = tls
        ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...(tls as object) }, onConnect)
        : connectSocket({ host, port }, onConnect)
      socket.setKeepAlive(true, keepAlive)
      socket.setNoDelay()
      this.#sockets.add(socket)
      quieten(connectionOf(this.#cluster))
      if (!tls)
        socket.once('data', ([first]) => first === tlsAlert && socket.destroy(new Error('Broker requires TLS.')))
      return socket.once('close', () => this.#sockets.delete(socket))
    }
  }
}

/** How a node that speaks TLS begins to answer who does not. */
const tlsAlert = 21
/** When a silent connection is probed, in milliseconds. */
const keepAlive = 60_000

/** A request without its header, but for the tagged fields that a header may end with. */
function encoded(payload: Writer, tagged: boolean): { readonly buf: Buffer; readonly buffer: Buffer } {
  const { buffer } = tagged ? Writer.create().appendTaggedFields().appendFrom(payload) : payload
  return { buf: buffer, buffer }
}

const timeouts = new Set(['KafkaJSRequestTimeoutError', 'KafkaJSTimeout', 'KafkaJSLockTimeout'])
const losses = new Set(['KafkaJSConnectionError', 'KafkaJSConnectionClosedError'])

/** What kafkajs threw, so that it is known what may pass. */
function networkErrorOf(thrown: unknown): Error {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (losses.has(error.name)) return new NetworkError(error.message, { cause: error })
    if (timeouts.has(error.name)) return new TimeoutError(error.message, { cause: error })
    const code = saslCodeOf(error)
    if (code) return new AuthenticationError(`SASL mechanism: ${error.message}`, { cause: new ProtocolError(code) })
  }
  return thrown as Error
}

/** Kafka's name of what went wrong when it was said who connects. */
function saslCodeOf({ name, message, type }: Error & { readonly type?: unknown }): string | undefined {
  if (type === 'ILLEGAL_SASL_STATE') return type
  if (name !== 'KafkaJSSASLAuthenticationError') return undefined
  return message.includes('is not supported') ? 'UNSUPPORTED_SASL_MECHANISM' : 'SASL_AUTHENTICATION_FAILED'
}
