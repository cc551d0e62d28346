import { firstValueFrom, fromEvent, race, timer, type SchedulerLike } from 'rxjs'

/** Milliseconds to wait before another try after so many failures in a row: from a second on to a minute. */
export const pauseAfter = (failures: number): number => Math.min(1_000 * 2 ** Math.max(0, failures - 1), 60_000)

/** What a timer can wait for at once, in milliseconds: beyond it, those of Node go off at once. */
export const longestTimer = 2 ** 31 - 1

/** Resolves after so many milliseconds, or when the signal aborts. */
export async function sleep(wait: number, scheduler: SchedulerLike, signal: AbortSignal): Promise<void> {
  let left = wait
  do {
    if (signal.aborted) return
    await firstValueFrom(race(timer(Math.min(left, longestTimer), scheduler), fromEvent(signal, 'abort')))
    left -= longestTimer
  } while (left > 0)
}
