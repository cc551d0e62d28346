import { writeTime, type Mark } from './timeline.ts'

/** A line of marbles. */
export interface Line {
  readonly label: string
  readonly marks: readonly Mark[]
  readonly end: number | undefined
}

interface Column {
  readonly frame: number
  readonly width: number
  /** Frames until the next column that its width does not cover. */
  readonly gap: number
}

/** With more milliseconds than this in between, the time is written out. */
const longestDashes = 5

/**
 * Draws lines of marbles below each other, so that what happens at one time stands in one column.
 * @param marked the frame under which a last line has `^`
 */
export function drawMarbles(lines: readonly Line[], marked: number): string[] {
  const frames = new Set(lines.flatMap(({ marks, end }) => [...marks.map(({ frame }) => frame), end ?? 0]))
  const columns = arrange(
    [...frames.add(0).add(marked)].sort((a, b) => a - b),
    lines,
  )
  const labels = Math.max(...lines.map(({ label }) => label.length))
  const drawn = lines.map((line) => `${line.label.padEnd(labels)}  ${drawLine(line, columns)}`.trimEnd())
  const before = columns.slice(
    0,
    columns.findIndex(({ frame }) => frame === marked),
  )
  const column = before.reduce((sum, { width, gap }) => sum + width + drawGap(gap).length, 0)
  return [...drawn, `${' '.repeat(labels + 2 + column)}^`]
}

function arrange(frames: readonly number[], lines: readonly Line[]): Column[] {
  return frames.map((frame, at) => {
    const width = Math.max(1, ...lines.map((line) => drawCell(line, frame).length))
    const until = frames[at + 1] ?? frame + width
    return { frame, width, gap: Math.max(0, until - frame - width) }
  })
}

function drawLine(line: Line, columns: readonly Column[]): string {
  return columns
    .map(({ frame, width, gap }, at) => {
      const isOver = line.end !== undefined && frame > line.end
      const cell = isOver ? '' : drawCell(line, frame) || '-'
      const pad = isOver || line.end === frame ? ' ' : '-'
      const drawnGap = line.end !== undefined && frame >= line.end ? ' '.repeat(drawGap(gap).length) : drawGap(gap)
      return cell.padEnd(width, pad) + (at < columns.length - 1 ? drawnGap : '')
    })
    .join('')
}

function drawCell({ marks, end }: Line, frame: number): string {
  const here = marks.filter((mark) => mark.frame === frame).map(({ letter }) => letter)
  const all = end === frame ? [...here, '|'] : here
  return all.length > 1 ? `(${all.join('')})` : all.join('')
}

const drawGap = (gap: number): string => (gap > longestDashes ? ` ${writeTime(gap)} ` : '-'.repeat(gap))
