import { TestScheduler } from 'rxjs/testing'

/** A letter at its frame: a millisecond since the start of the test. */
export interface Mark {
  readonly frame: number
  readonly letter: string
}

/** What marbles say. */
export interface Timeline {
  readonly marks: readonly Mark[]
  /** The frame of `|`; undefined when there is none. */
  readonly end: number | undefined
  /** The frame after everything that is drawn. */
  readonly length: number
}

/** Marbles that cannot be read; the message says what would be right. */
class MarbleError extends Error {
  override readonly name = 'MarbleError'
}

/**
 * Reads marbles in the run-mode syntax of RxJS: a letter is a record and takes a millisecond, as `-` does; ` 59m ` is
 * time that passes (ms, s, m, h, d, with spaces around it); `(ab)` happens at once; `|` is the end.
 * @throws MarbleError
 */
export function readTimeline(marbles: string): Timeline {
  const wrong = /[^\sa-zA-Z0-9\-()|.]/.exec(marbles)?.[0]
  if (wrong !== undefined) {
    throw new MarbleError(
      `\`${wrong}\` means nothing in marbles; expected letters, \`-\`, \`(ab)\`, \` 10s \` and \`|\``,
    )
  }
  if (!/^[^()]*(\([^()]*\)[^()]*)*$/.test(marbles)) {
    throw new MarbleError('a group is not closed or lies inside another; expected `(ab)`')
  }
  const messages = parse(spellTime(marbles))
  const marks = messages.flatMap(({ frame, notification }): Mark[] =>
    notification.kind === 'N' ? [{ frame, letter: notification.value as string }] : [],
  )
  const end = messages.find(({ notification }) => notification.kind === 'C')?.frame
  if (end !== undefined && messages.at(-1)!.notification.kind !== 'C') {
    throw new MarbleError('something follows the end; nothing can come after `|`')
  }
  const length = end === undefined ? parse(`${spellTime(marbles)} |`).at(-1)!.frame : end + 1
  return { marks, end, length }
}

/** Hours and days in the units that RxJS reads, each duration with the space behind it that it asks for. */
function spellTime(marbles: string): string {
  const minutes = { h: 60, d: 1_440 } as const
  const spelled = marbles.replace(
    /(?<=^|\s)(\d+(?:\.\d+)?)([hd])(?=\s|$)/g,
    (_, amount: string, unit: 'h' | 'd') => `${Number(amount) * minutes[unit]}m`,
  )
  return `${spelled.replaceAll(/\s/g, ' ')} `
}

function parse(marbles: string): ReturnType<typeof TestScheduler.parseMarbles> {
  const before = TestScheduler.frameTimeFactor
  TestScheduler.frameTimeFactor = 1
  try {
    return TestScheduler.parseMarbles(marbles, undefined, undefined, false, true)
  } finally {
    TestScheduler.frameTimeFactor = before
  }
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/** Milliseconds as marbles write them: "59m", "1h 30m", "5ms". */
export function writeTime(milliseconds: number): string {
  let rest = milliseconds
  const parts = units.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count > 0 ? [`${count}${unit}`] : []
  })
  return parts.join(' ') || '0ms'
}
