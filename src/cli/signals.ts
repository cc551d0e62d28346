import { constants } from 'node:os'

export type StopSignal = 'SIGINT' | 'SIGTERM'

const stopSignals: readonly StopSignal[] = ['SIGINT', 'SIGTERM']

/** One key press may arrive twice: from the terminal, and from a parent process that passes it on. */
const sameSignalWithin = 500

let stop: ((signal: StopSignal) => void) | undefined

/** Ends the process at a signal, with 128 and its number, unless a command said what to do first. */
export function handleSignals(): void {
  let first: number | undefined
  for (const signal of stopSignals) {
    process.on(signal, () => {
      const at = Date.now()
      if (first !== undefined && at - first < sameSignalWithin) return
      if (!stop || first !== undefined) process.exit(128 + constants.signals[signal])
      first = at
      stop(signal)
    })
  }
}

/** Has the first signal stop the work at hand in an orderly way; the second ends the process. */
export const onStopSignal = (work: (signal: StopSignal) => void): void => void (stop = work)
