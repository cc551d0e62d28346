import type { Polled, SourceRecord } from '../../component/source.ts'

/** The records of one request, committed together or not at all. */
export interface Delivery {
  readonly records: readonly SourceRecord[]
  /** Called once: with nothing when the records are durable, else with why they are not. */
  settle(problem?: Error): void
}

/** Between the requests that come in and the polls that fetch them; bounded in bytes. */
export interface Inbox {
  /** Takes room for a body before it is read. */
  reserve(bytes: number): boolean
  release(bytes: number): void
  add(delivery: Delivery): void
  poll(signal: AbortSignal): Promise<Polled>
  /** Refuses what has not become durable. */
  close(): void
}

/** Records of one poll, give or take a request. */
const maxRecords = 5_000

/**
 * @param maxBytes of all the bodies that are being read or wait for their commit
 * @param once whether a poll takes what is there instead of waiting
 */
export function openInbox(maxBytes: number, once: boolean): Inbox {
  const waiting: Delivery[] = []
  const taken = new Set<Delivery>()
  let room = maxBytes
  let arrived: (() => void) | undefined

  async function arrival(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    arrived = resolve
    signal.addEventListener('abort', arrived)
    await promise
    signal.removeEventListener('abort', arrived)
    arrived = undefined
  }

  function take(): readonly Delivery[] {
    let count = 0
    const size = waiting.findIndex(({ records }) => (count += records.length) >= maxRecords)
    return waiting.splice(0, size === -1 ? waiting.length : size + 1)
  }

  return {
    reserve(bytes) {
      if (bytes > room) return false
      room -= bytes
      return true
    },
    release: (bytes) => void (room += bytes),
    add(delivery) {
      waiting.push(delivery)
      arrived?.()
    },

    async poll(signal) {
      if (waiting.length === 0 && !once) await arrival(signal)
      const deliveries = take()
      const settle = (problem?: Error) => {
        for (const delivery of deliveries) if (taken.delete(delivery)) delivery.settle(problem)
      }
      for (const delivery of deliveries) taken.add(delivery)
      return {
        records: deliveries.flatMap(({ records }) => records),
        ...(once && waiting.length === 0 && { wait: 'ended' }),
        committed: () => settle(),
        failed: settle,
      }
    },

    close() {
      for (const delivery of [...waiting.splice(0), ...taken]) delivery.settle(new Error('The pipeline stops.'))
      taken.clear()
    },
  }
}
