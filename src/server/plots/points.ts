import { ExpressionFault, type RecordExpression } from '../../component/expression.ts'
import { readJson, readText, ReadingProblem } from '../../component/reading.ts'
import { readDate } from '../../component/dates.ts'
import { kindOf } from '../../record/kind.ts'
import type { Record, StoredRecord } from '../../record/record.ts'
import type { PlotConfig, PlotLine } from '../../topology/plotConfig.ts'

/** A point of a line; without a `y` the line has a gap there. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly x: number
  readonly y: number | null
}

/** Why a record is not in the plot; the message shows no values of it. */
class Unplottable extends Error {
  override readonly name = 'Unplottable'
}

/** Where records go that are to be plotted. */
export interface Drawing {
  /** @param by which picture; undefined where there is one for all */
  point(line: PlotLine, by: string | undefined, point: Point): void
  /** A record that is not in the plot, or not in a line of it, and why. */
  failed(reason: string): void
}

/** Draws one record into those lines of the plot that are drawn from its topic. */
export function plotRecord(plot: PlotConfig, stored: StoredRecord, now: number, drawing: Drawing): void {
  attempt(drawing, () => {
    const record = decoded(stored)
    const own = plot.lines.filter(({ topic, when }) => topic === stored.topic && (when?.holds(record, now) ?? true))
    if (own.length === 0) return
    const x = plot.x ? timeOf(plot.x, record, now) : record.timestamp
    const by = plot.by && nameOf(plot.by, record, now)
    for (const line of own) attempt(drawing, () => drawing.point(line, by, { x, y: numberOf(line.y, record, now) }))
  })
}

function attempt({ failed }: Drawing, work: () => void): void {
  try {
    work()
  } catch (thrown) {
    const known = thrown instanceof ExpressionFault || thrown instanceof ReadingProblem || thrown instanceof Unplottable
    if (!known) throw thrown
    failed(thrown.message)
  }
}

function decoded({ topic, partition, offset, key, value, headers, timestamp }: StoredRecord): Record {
  const origin = { source: topic, topic, partition, offset, timestamp }
  if (value === null) throw new Unplottable('they are tombstones')
  return { key, value: readJson(readText(value)), headers, timestamp, origin, index: '' }
}

/** The farthest time that a date can be from 1970. */
const farthest = 8.64e15

function timeOf(expression: RecordExpression, record: Record, now: number): number {
  const given = expression.of(record, now)
  const iso = typeof given === 'string' ? readDate(given, 'iso', 'utc') : undefined
  const time = typeof given === 'number' ? given : iso === undefined ? NaN : Date.parse(iso)
  if (Math.abs(time) <= farthest) return time
  throw new Unplottable(
    `"${expression.text}" gives ${what(given)}; expected a time, in ISO 8601 or milliseconds since 1970`,
  )
}

function nameOf(expression: RecordExpression, record: Record, now: number): string {
  const given = expression.of(record, now)
  if (['string', 'number', 'boolean'].includes(typeof given)) return String(given)
  throw new Unplottable(`"${expression.text}" gives ${what(given)}; expected a text or a number that names the picture`)
}

function numberOf(expression: RecordExpression, record: Record, now: number): number | null {
  const given = expression.of(record, now)
  if (given === undefined || given === null) return null
  if (typeof given === 'boolean') return given ? 1 : 0
  if (typeof given === 'number' && Number.isFinite(given)) return given
  throw new Unplottable(`"${expression.text}" gives ${what(given)}; expected a number, true or false`)
}

function what(value: unknown): string {
  const kind = kindOf(value)
  if (kind === 'absent') return 'nothing'
  if (kind === 'null' || kind === 'bytes') return kind
  return `${/^[ao]/.test(kind) ? 'an' : 'a'} ${kind}`
}
