import type { GroupKind } from './groupedWindows.ts'
import type { Window } from './windows.ts'

/** Sessions: from a record to the last one that came within the gap after another. One that lies between joins them. */
export const sessions = (gap: number): GroupKind => ({
  idle: gap,
  needed: 0,
  take(windows, { time, inputs }, closedBefore, { initial, add, merge }) {
    const near = windows.filter(({ start, end }) => end >= time - gap && start <= time + gap)
    const end = Math.max(time, ...near.map((window) => window.end))
    if (end < closedBefore) return undefined
    const start = Math.min(time, ...near.map((window) => window.start))
    const accumulated = near.length === 0 ? initial : near.map((window) => window.accumulated).reduce(merge)
    const session: Window = { start, end, latest: end, accumulated: add(accumulated, inputs) }
    const others = windows.filter((window) => !near.includes(window))
    return { windows: [...others, session].sort((a, b) => a.start - b.start), changed: [session] }
  },
})
