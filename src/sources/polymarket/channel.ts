import {
  BehaviorSubject,
  defer,
  distinctUntilChanged,
  filter,
  firstValueFrom,
  fromEvent,
  map,
  merge,
  retry,
  switchMap,
  tap,
  timer,
} from 'rxjs'
import type { Log } from '../../component/context.ts'
import type { Connector, SourceRecord } from '../../component/source.ts'
import { connection, type ConnectionOptions } from './connection.ts'
import type { Markets } from './markets.ts'
import { recordsIn, type Outcomes } from './messages.ts'

export interface ChannelOptions extends ConnectionOptions {
  readonly markets: Markets
  /** Whether a poll waits for what comes first and no longer. */
  readonly once: boolean
  readonly log: Log
}

/** Bytes of records that wait to be polled; with more, nothing is read from the connection. */
const inboxBytes = 16_777_216
const maxRecords = 5_000
const firstPause = 1_000
const longestPause = 60_000

/**
 * Follows the market channel. When the connection is lost it connects again, with back-off, and is given each book anew;
 * what changed in between is not told again, which is a WARN.
 */
export function followChannel(options: ChannelOptions): Connector {
  const { markets, once, scheduler, log, timeout } = options
  const stop = new AbortController()
  const inbox: SourceRecord[] = []
  const waiting = new BehaviorSubject(0)
  const full = waiting.pipe(
    map((bytes) => bytes >= inboxBytes),
    distinctUntilChanged(),
  )
  let problem: Error | undefined

  const take = (frame: Buffer, outcomes: Outcomes): void => {
    const records = recordsIn(frame, outcomes, scheduler.now())
    inbox.push(...records)
    waiting.next(waiting.value + bytesOf(records))
  }
  const following = defer(() => markets.outcomes(stop.signal))
    .pipe(
      switchMap((found) => {
        const outcomes: Outcomes = new Map(found.map((outcome) => [outcome.token, outcome]))
        return connection([...outcomes.keys()], full, options).pipe(tap((frame) => take(frame, outcomes)))
      }),
      retry({
        resetOnSuccess: true,
        delay(error: Error, count) {
          problem = error
          const pause = Math.min(firstPause * 2 ** (count - 1), longestPause)
          log.warn({ error: error.message, again: pause }, 'not connected to the market channel; changes are missed')
          return timer(pause, scheduler)
        },
      }),
    )
    .subscribe()

  return {
    async poll(_cursor, signal) {
      const arrived = waiting.pipe(filter((bytes) => bytes > 0))
      const given = [fromEvent(signal, 'abort'), arrived, ...(once ? [timer(timeout, scheduler)] : [])]
      if (!signal.aborted) await firstValueFrom(merge(...given))
      if (once && inbox.length === 0 && problem) throw problem

      const records = inbox.slice(0, maxRecords)
      return {
        records,
        ...(once && inbox.length === records.length && { wait: 'ended' }),
        committed() {
          inbox.splice(0, records.length)
          waiting.next(waiting.value - bytesOf(records))
        },
      }
    },

    async close() {
      stop.abort()
      following.unsubscribe()
    },
  }
}

const bytesOf = (records: readonly SourceRecord[]): number =>
  records.reduce((bytes, { value }) => bytes + (value?.length ?? 0), 0)
