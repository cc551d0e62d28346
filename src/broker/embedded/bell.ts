/** Wakes those who wait for a change. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, or when the signal aborts; rejects when it cannot be known whether there was a change. */
  next(signal: AbortSignal): Promise<void>
}

/** How often to look whether another process has committed, in milliseconds. */
const lookEvery = 50

/**
 * @param version of the database, when others may change it: looked at by a timer, but only while someone waits;
 *   undefined when only this process can, and then there is no timer at all
 */
export function createBell(version?: () => number): Bell {
  const waiting = new Set<(error?: unknown) => void>()
  let seen = version?.()
  let timer: NodeJS.Timeout | undefined

  const wakeAll = (error?: unknown): void => {
    for (const wake of waiting) wake(error)
  }

  const look = (current: () => number): void => {
    try {
      const before = seen
      seen = current()
      if (seen !== before) wakeAll()
    } catch (error) {
      wakeAll(error)
    }
  }

  return {
    ring: () => wakeAll(),
    next: (signal) =>
      new Promise((resolve, reject) => {
        const onAbort = (): void => wake()
        const wake = (error?: unknown): void => {
          waiting.delete(wake)
          signal.removeEventListener('abort', onAbort)
          if (waiting.size === 0) {
            clearInterval(timer)
            timer = undefined
          }
          if (error === undefined) resolve()
          else reject(error)
        }
        waiting.add(wake)
        signal.addEventListener('abort', onAbort)
        if (signal.aborted) wake()
        else if (version !== undefined) timer ??= setInterval(look, lookEvery, version)
      }),
  }
}
