import { isIP } from 'node:net'
import { interval, Observable, type SchedulerLike } from 'rxjs'
import { WebSocket } from 'ws'
import { HttpPrivateAddressFault } from '../../component/httpFault.ts'
import { isPrivateAddress, lookupPublic } from '../../component/privateAddress.ts'

export interface ConnectionOptions {
  readonly url: string
  readonly allowPrivate: boolean
  /** Milliseconds that connecting may take. */
  readonly timeout: number
  readonly scheduler: SchedulerLike
}

const largestFrame = 16_777_216
/** Milliseconds between pings, without which the server hangs up. */
const pingEvery = 10_000

/**
 * The frames of one connection to the market channel, pongs aside. It is not read while it is paused, and never
 * completes: a connection that is lost, or silent for two pings, is an error.
 */
export function connection(
  tokens: readonly string[],
  paused: Observable<boolean>,
  { url, allowPrivate, timeout, scheduler }: ConnectionOptions,
): Observable<Buffer> {
  return new Observable((subscriber) => {
    const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
    if (!allowPrivate && isIP(host) !== 0 && isPrivateAddress(host)) {
      throw new HttpPrivateAddressFault(`${host} is not a public address; allowPrivate: true would permit it.`)
    }
    const socket = new WebSocket(url, {
      handshakeTimeout: timeout,
      maxPayload: largestFrame,
      ...(!allowPrivate && { lookup: lookupPublic }),
    })
    let silentPings = 0

    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'market', assets_ids: tokens }))
      subscriber.add(
        interval(pingEvery, scheduler).subscribe(() => {
          // What is paused cannot answer.
          if (!socket.isPaused && ++silentPings > 2)
            return subscriber.error(new Error('The market channel went silent.'))
          socket.send('PING')
        }),
      )
      subscriber.add(paused.subscribe((pause) => (pause ? socket.pause() : socket.resume())))
    })
    socket.on('message', (data: Buffer) => {
      silentPings = 0
      if (!data.equals(pong)) subscriber.next(data)
    })
    socket.on('error', (error) => subscriber.error(error))
    socket.on('close', (code) => subscriber.error(new Error(`The market channel was closed with code ${code}.`)))

    return () => socket.terminate()
  })
}

const pong = Buffer.from('PONG')
