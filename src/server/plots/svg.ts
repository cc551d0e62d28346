import type { PlotLine } from '../../topology/plotConfig.ts'
import { clipped, html, type Html } from '../html.ts'
import type { Panel } from './plot.ts'
import type { Point } from './points.ts'
import {
  fullTime,
  numberLabel,
  numberTicks,
  padded,
  placeIn,
  spanOf,
  timeTicks,
  type Span,
  type Tick,
} from './scale.ts'

/** The picture's own units; the page scales it to its place. */
const size = { width: 400, height: 240 }
const frame = { left: 46, right: size.width - 46, top: 24, bottom: size.height - 40 }

/** From this many points on, a line is drawn without a dot for each. */
const mostDots = 60

interface Axis {
  readonly side: PlotLine['axis']
  readonly span: Span
  readonly title: string
}

/**
 * Draws a picture as SVG.
 * @param times the span that its axis of time has, so that several pictures can be compared
 */
export function drawPanel({ by, lines }: Panel, times: Span): Html {
  const axes = (['left', 'right'] as const).flatMap((side) => axisOf(side, lines) ?? [])
  const horizontal = (time: number) => frame.left + placeIn(times, time) * (frame.right - frame.left)
  const grid = axes[0]?.side
  return html`<svg
    class="plot"
    viewBox="0 0 ${size.width} ${size.height}"
    role="img"
    aria-label="${describe({ lines, ...(by !== undefined && { by }) }, times)}"
  >
    ${timeAxis(times, horizontal)} ${axes.map((axis) => valueAxis(axis, axis.side === grid))}
    ${lines.map(({ line, points }, at) => {
      const axis = axes.find(({ side }) => side === line.axis)
      if (line.as === 'marks') return drawMarks(points, at, horizontal)
      return axis && drawLine(points, at, { horizontal, vertical: verticalIn(axis.span) })
    })}
  </svg>`
}

/** The span of time that a plot's pictures share; undefined where there are no points. */
export function timesOf(panels: readonly Panel[]): Span | undefined {
  const points = panels.flatMap(({ lines }) => lines.flatMap((line) => line.points))
  const span = spanOf(points.map(({ x }) => x))
  if (!span) return undefined
  return span.low === span.high ? around(span.low) : span
}

/** An hour around one time, within what dates there are. */
function around(time: number): Span {
  const [halfHour, farthest] = [1_800_000, 8.64e15]
  return { low: Math.max(-farthest, time - halfHour), high: Math.min(farthest, time + halfHour) }
}

/** The class that gives a line its colour and dashes. */
export const lineClass = (at: number): string => `s${at}`

/** What the legend calls a line. */
export const nameOf = ({ name, y }: PlotLine): string => clipped(name ?? y.text, 40)

function axisOf(side: PlotLine['axis'], lines: Panel['lines']): Axis | undefined {
  const own = lines.filter(({ line }) => line.axis === side && line.as === 'line')
  const span = spanOf(own.flatMap(({ points }) => points.flatMap(({ y }) => y ?? [])))
  const title = own.map(({ line }) => (line.unit ? `${nameOf(line)} (${line.unit})` : nameOf(line))).join(', ')
  return span && { side, span: padded(span), title: clipped(title, 32) }
}

const verticalIn = (span: Span) => (value: number) => frame.bottom - placeIn(span, value) * (frame.bottom - frame.top)

function valueAxis({ side, span, title }: Axis, withGrid: boolean): Html {
  const x = frame[side]
  const outward = side === 'left' ? -5 : 5
  const anchor = side === 'left' ? 'end' : 'start'
  const vertical = verticalIn(span)
  return html`<g class="axis ${side}">
    <text
      class="title"
      x="${side === 'left' ? 4 : size.width - 4}"
      y="14"
      text-anchor="${side === 'left' ? 'start' : 'end'}"
      >${title}</text
    >
    <path class="frame" d="M${x} ${frame.top}V${frame.bottom}" />
    ${numberTicks(span).map(({ value, label }) => {
      const y = rounded(vertical(value))
      return html`${withGrid ? html`<path class="grid" d="M${frame.left} ${y}H${frame.right}" />` : undefined}<text
          x="${x + outward}"
          y="${y}"
          dy="0.35em"
          text-anchor="${anchor}"
          >${label}</text
        > `
    })}</g
  >`
}

function timeAxis(times: Span, horizontal: (time: number) => number): Html {
  const ticks = apart(timeTicks(times), horizontal)
  return html`<g class="axis time">
    <path class="frame" d="M${frame.left} ${frame.bottom}H${frame.right}" />
    ${ticks.map(({ value, label }) => {
      const x = rounded(horizontal(value))
      return html`<path class="frame" d="M${x} ${frame.bottom}v4" /><text
          x="${x}"
          y="${frame.bottom + 16}"
          text-anchor="middle"
          >${label}</text
        > `
    })}<text class="title" x="${(frame.left + frame.right) / 2}" y="${size.height - 6}" text-anchor="middle"
      >${fullTime(times.low)} to ${fullTime(times.high)} UTC</text
    >
  </g>`
}

/** Those of the ticks whose labels do not touch. */
function apart(ticks: readonly Tick[], horizontal: (time: number) => number): readonly Tick[] {
  const widest = ticks.reduce((most, { label }) => Math.max(most, label.length), 0) * 6 + 6
  const every = ticks.length > 1 ? Math.ceil(widest / (horizontal(ticks[1]!.value) - horizontal(ticks[0]!.value))) : 1
  return ticks.filter((_, at) => at % every === 0)
}

interface Places {
  readonly horizontal: (time: number) => number
  readonly vertical: (value: number) => number
}

function drawLine(points: readonly Point[], at: number, { horizontal, vertical }: Places): Html {
  let pen = 'M'
  const path: string[] = []
  const dots: Html[] = []
  for (const { x, y } of points) {
    if (y === null) {
      pen = 'M'
      continue
    }
    const [left, top] = [rounded(horizontal(x)), rounded(vertical(y))]
    // A line of no length is a dot, where a point has no neighbours.
    path.push(pen === 'M' ? `M${left} ${top}h0` : `L${left} ${top}`)
    dots.push(html`<circle cx="${left}" cy="${top}" r="2" />`)
    pen = 'L'
  }
  return html`<g class="line ${lineClass(at)}"
    ><path d="${path.join('')}" />${dots.length <= mostDots ? dots : undefined}</g
  > `
}

/** A triangle at the top and a thin line down, where it is above 0. */
function drawMarks(points: readonly Point[], at: number, horizontal: (time: number) => number): Html {
  const marked = points.filter(({ y }) => y !== null && y > 0)
  const marks = marked.map(({ x }) => {
    const left = rounded(horizontal(x))
    return html`<path class="stem" d="M${left} ${frame.top}V${frame.bottom}" /><path
        d="M${left} ${frame.top + 7}l-4 -7h8z"
      />`
  })
  return html`<g class="marks ${lineClass(at)}">${marks}</g> `
}

const rounded = (place: number): number => Math.round(place * 10) / 10

/** What a picture shows, in words. */
function describe({ by, lines }: Panel, times: Span): string {
  const told = lines.map(({ line, points }) => {
    const name = nameOf(line)
    const values = points.flatMap(({ y }) => y ?? [])
    if (line.as === 'marks') return `${name} marked ${values.filter((y) => y > 0).length} times`
    const span = spanOf(values)
    if (!span) return `${name} without values`
    return `${name} from ${numberLabel(span.low)} to ${numberLabel(span.high)}, last ${numberLabel(values.at(-1)!)}`
  })
  const title = by === undefined ? '' : `${clipped(by)}: `
  return `${title}${told.join('; ')}; ${fullTime(times.low)} to ${fullTime(times.high)} UTC`
}
