import { constants } from 'node:os'

export type StopSignal = 'SIGINT' | 'SIGTERM'

const stopSignals: readonly StopSignal[] = ['SIGINT', 'SIGTERM']

/** One key press may arrive twice: from the terminal, and from a parent process that passes it on. */
const sameSignalWithin = 500

/** Milliseconds between two looks at who the parent is. */
const parentEvery = 250

let stop: ((signal: StopSignal) => void) | undefined
/** When the first signal came, milliseconds since the epoch. */
let first: number | undefined

/** Ends the process at a signal, with 128 and its number, unless a command said what to do first. */
export function handleSignals(): void {
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

/**
 * Takes the end of the parent process for a SIGTERM where npm or npx started this: they do so through a shell, which a
 * signal ends without being passed on.
 */
export function endWithParent(environment: NodeJS.ProcessEnv): void {
  if (environment['npm_command'] === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    if (first === undefined) process.kill(process.pid, 'SIGTERM')
  }, parentEvery)
  timer.unref()
}

/** Has the first signal stop the work at hand in an orderly way; the second ends the process. */
export const onStopSignal = (work: (signal: StopSignal) => void): void => void (stop = work)
