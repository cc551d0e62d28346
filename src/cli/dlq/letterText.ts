import type { LetterStanding } from '../../deadletter/letterAsJson.ts'
import type { Letter } from '../../deadletter/readLetter.ts'
import { printable } from '../output.ts'
import { bytesText } from '../recordLines.ts'

/** A letter for people. */
export function letterText(letter: Letter, { disposition, history }: LetterStanding): string {
  const { fault, origin, record } = letter
  const { key, value, headers } = record
  const facts = [
    ['id', letter.id],
    ['is', disposition],
    ...history.map(({ at, to, by, why }) => ['', `${iso(at)} ${to} by ${by}${why === '' ? '' : `: ${why}`}`]),
    ['group', letter.fingerprint],
    ['fault', fault.code],
    ['message', fault.message],
    ['operator', letter.operator],
    ['attempts', `${letter.attempts} (${letter.disposition})`],
    ['failed', `${iso(letter.failedAt)}, first ${iso(letter.firstFailedAt)}`],
    ['source', sourceText(letter)],
    ...(letter.missing.length > 0 ? [['unsaid', letter.missing.join(', ')] as const] : []),
    ['origin', `${origin.topic}/${origin.partition}/${origin.offset} at ${iso(origin.timestamp)}`],
    [
      'letter',
      `${letter.topic}/${letter.partition}/${letter.offset}${letter.hops > 0 ? `, sent back ${letter.hops}×` : ''}`,
    ],
    ['key', key === null ? '(none)' : bytesText(key)],
    ...headers.map(([name, bytes]) => ['header', `${name}: ${bytes === null ? 'null' : bytesText(bytes)}`]),
  ] as const
  const lines = facts.map(([name, text]) => `${(name === '' ? '' : `${name}:`).padEnd(10)}${printable(text)}\n`)
  const input = letter.input === undefined ? '' : section('operator input', pretty(letter.input))
  const stack = fault.stack === '' ? '' : section('stack', fault.stack)
  return `${lines.join('')}${section('value', value === null ? '(tombstone)' : valueText(value))}${input}${stack}`
}

const sourceText = ({ source, pipeline, revision, convention }: Letter): string =>
  convention === 'oxbow'
    ? `${source} in pipeline ${pipeline}, config revision ${revision}`
    : `${source}${pipeline === '' ? '' : ` for ${pipeline}`}, by the convention "${convention}"`

const iso = (time: number): string => new Date(time).toISOString()

const section = (title: string, text: string): string => `${title}:\n${printable(text).replaceAll(/^/gm, '  ')}\n`

const valueText = (value: Buffer): string => {
  const text = bytesText(value)
  return text.startsWith('(base64)') ? text : pretty(value.toString())
}

/** JSON over several lines; other text as it is, and JSON with numbers that a reader must not see rounded. */
function pretty(text: string): string {
  if (/[\d.]{16}/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return text
    throw thrown
  }
}
