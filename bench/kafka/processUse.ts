import { readFileSync } from 'node:fs'

/** Linux counts CPU time in hundredths of a second, whatever its clock. */
const ticksPerSecond = 100

/** CPU time of a process so far, user and system, in seconds; of all its threads. Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Peak of its resident memory so far, in MiB; 0 where it is just ending. Linux only. */
export const peakMemory = (pid: number): number =>
  Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024)
