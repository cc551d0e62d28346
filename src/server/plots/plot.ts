import type { Broker } from '../../broker/broker.ts'
import type { PlotConfig, PlotLine } from '../../topology/plotConfig.ts'
import { plotRecord, type Drawing, type Point } from './points.ts'
import { tailOf, type Bounds } from './tail.ts'

/** What is read of each topic for a plot, at most. */
const bounds: Bounds = { records: 5_000, bytes: 8_388_608 }

/** One picture of a plot: its lines, in the order of the config, each with its points in the order of time. */
export interface Panel {
  /** The value that it is of; absent where the plot has one picture for all. */
  readonly by?: string
  readonly lines: readonly { readonly line: PlotLine; readonly points: readonly Point[] }[]
}

/** A plot with what was read for it. */
export interface Plotted {
  /** In the order of their names; none where there is nothing to show. */
  readonly panels: readonly Panel[]
  /** How many records cannot be shown, or not in every line. */
  readonly failed: number
  /** What is not in the picture, and why. */
  readonly notes: readonly string[]
}

/**
 * Reads what a plot shows from the ends of its topics.
 * @param now milliseconds since 1970
 */
export async function readPlot(broker: Broker, plot: PlotConfig, now: number): Promise<Plotted> {
  const panels = new Map<string | undefined, Map<PlotLine, Point[]>>()
  const notes: string[] = []
  const cut = new Map<string, number>()
  let failed = 0
  const names = [...new Set(plot.lines.map(({ topic }) => topic))]
  const topics = await broker.topics(names)
  for (const name of names) {
    const partitions = topics.find((topic) => topic.name === name)?.partitions
    if (!partitions) {
      notes.push(`There is no topic ${name} yet.`)
      continue
    }
    const failures = new Map<string, number>()
    const drawing: Drawing = {
      point(line, by, point) {
        const lines = panels.get(by) ?? new Map<PlotLine, Point[]>()
        const points = lines.get(line) ?? []
        points.push(point)
        panels.set(by, lines.set(line, points))
      },
      failed(reason) {
        failures.set(reason, (failures.get(reason) ?? 0) + 1)
        failed += 1
      },
    }
    const tail = await tailOf(broker, name, partitions, bounds)
    for (const record of tail.records) plotRecord(plot, record, now, drawing)
    notes.push(...failureNotes(name, failures))
    if (tail.cut) cut.set(name, tail.records.length)
  }
  const pictures = shown(plot, panels)
  return { panels: pictures.map(({ panel }) => panel), failed, notes: [...notes, ...cutNotes(cut, pictures)] }
}

/** How many reasons are told of each topic. */
const mostReasons = 5

function failureNotes(topic: string, failures: ReadonlyMap<string, number>): string[] {
  const sorted = [...failures].toSorted(([, a], [, b]) => b - a)
  const rest = sorted.slice(mostReasons).reduce((sum, [, count]) => sum + count, 0)
  const told = sorted
    .slice(0, mostReasons)
    .map(([reason, count]) => `${records(count)} of ${topic} not shown: ${reason}.`)
  return rest > 0 ? [...told, `${records(rest)} of ${topic} not shown for other reasons.`] : told
}

const records = (count: number): string => (count === 1 ? '1 record' : `${count} records`)

/** A topic has older records that were not read: told where a picture might have shown them. */
function cutNotes(cut: ReadonlyMap<string, number>, pictures: readonly Picture[]): string[] {
  const lacking = new Set(pictures.flatMap((picture) => picture.lacking))
  const told = [...cut].filter(([topic]) => lacking.has(topic) || pictures.length === 0)
  return told.map(([topic, count]) => `Of ${topic} the newest ${records(count)} were read.`)
}

type Collected = ReadonlyMap<string | undefined, ReadonlyMap<PlotLine, readonly Point[]>>

interface Picture {
  readonly panel: Panel
  /** The topics of lines that have room for older points. */
  readonly lacking: readonly string[]
}

function shown({ lines, last }: PlotConfig, panels: Collected): Picture[] {
  const all = [...panels.values()].flatMap((drawn) => [...drawn.values()].flat())
  const newest = all.reduce((latest, { x }) => Math.max(latest, x), -Infinity)
  const kept = (points: readonly Point[]): readonly Point[] => {
    const sorted = points.toSorted((a, b) => a.x - b.x)
    return 'points' in last ? sorted.slice(-last.points) : sorted.filter(({ x }) => x >= newest - last.time)
  }
  const isFull = (given: readonly Point[], points: readonly Point[]) =>
    given.length > points.length || ('points' in last && points.length === last.points)
  return [...panels]
    .map(([by, drawn]): Picture => {
      const each = lines.map((line) => ({ line, given: drawn.get(line) ?? [], points: kept(drawn.get(line) ?? []) }))
      return {
        panel: { ...(by !== undefined && { by }), lines: each.map(({ line, points }) => ({ line, points })) },
        lacking: each.filter(({ given, points }) => !isFull(given, points)).map(({ line }) => line.topic),
      }
    })
    .filter(({ panel }) => panel.lines.some(({ points }) => points.length > 0))
    .toSorted((a, b) => (a.panel.by ?? '').localeCompare(b.panel.by ?? '', 'en', { numeric: true }))
}
