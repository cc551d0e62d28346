import { clipped, html, type Html } from '../html.ts'
import type { ShownBytes } from '../workbench/shown.ts'

/** Bytes in a line. */
export function inLine(bytes: ShownBytes | null, length = 60): Html | string {
  if (bytes === null) return html`<span class="quiet">none</span>`
  const { text, base64 = '' } = bytes
  return text === undefined ? html`<span class="quiet">base64</span> ${clipped(base64, length)}` : clipped(text, length)
}

/** How much of bytes is shown, where it is not all. */
function noteOn({ size, cut, masked }: ShownBytes): Html | undefined {
  if (masked) return html`<p class="note">Fields of it are hidden from you.</p>`
  return cut && html`<p class="note">Only the beginning of ${size.toLocaleString('en-US')} bytes is shown.</p>`
}

/** A value in full; in JSON the fields are marked that a message names. */
export function payload(bytes: ShownBytes | null, message = ''): Html {
  if (bytes === null) return html`<p class="quiet">A tombstone: there is no value.</p>`
  const { text, base64 } = bytes
  if (text === undefined)
    return html`<pre tabindex="0" aria-label="Value as base64">${base64}</pre>
      ${noteOn(bytes)}`
  const lines = bytes.cut ? undefined : linesOf(text)
  const named = namesIn(message)
  const shown = lines ? markedLines(lines, named) : text
  return html`<pre tabindex="0" aria-label="Value">${shown}</pre>
    ${noteOn(bytes)}`
}

/** Deeper JSON is shown as it came: indented it would be far larger. */
const deepest = 40
/** Numbers of as many digits would be rounded. */
const longNumber = /[\d.]{16}/

/** JSON on lines; undefined for what is none, or is better shown as it came. */
function linesOf(text: string): readonly string[] | undefined {
  if (longNumber.test(text) || depthOf(text) > deepest) return undefined
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2).split('\n')
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}

function depthOf(text: string): number {
  let [depth, most] = [0, 0]
  for (const character of text) {
    if (character === '{' || character === '[') most = Math.max(most, ++depth)
    else if (character === '}' || character === ']') depth--
  }
  return most
}

/** The fields that a message names: quoted, as `record.price`, as /order/price, or as the key that is missing. */
function namesIn(message: string): ReadonlySet<string> {
  const found = [
    ...message.matchAll(/\brecord\.([\w.]+)/g),
    ...message.matchAll(/["'`]([\w.-]{1,100})["'`]/g),
    ...message.matchAll(/(?:^|\s)\/([\w/-]{1,100})/g),
    ...message.matchAll(/[Nn]o such key:? (\w{1,100})/g),
  ]
  return new Set(found.map(([, name]) => name!.replaceAll('/', '.').replace(/\.$/, '')))
}

const field = /^( *)"((?:[^"\\]|\\.)*)": /

function markedLines(lines: readonly string[], named: ReadonlySet<string>): readonly Html[] {
  const path: string[] = []
  return lines.map((line) => {
    const [, indent, name] = field.exec(line) ?? []
    if (name === undefined) return html`${`${line}\n`}`
    path.length = indent!.length / 2
    path[indent!.length / 2 - 1] = name
    const isNamed = named.has(name) || named.has(path.filter(Boolean).join('.'))
    return isNamed ? html`<mark>${line}</mark>${'\n'}` : html`${`${line}\n`}`
  })
}

/** Bytes with their places and what they are as text. @param hex two digits a byte */
export function hexDump(hex: string): string {
  const lines: string[] = []
  for (let at = 0; at < hex.length; at += 32) {
    const bytes = Buffer.from(hex.slice(at, at + 32), 'hex')
    const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const letters = Array.from(bytes, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${(at / 2).toString(16).padStart(6, '0')}  ${digits.padEnd(47)}  ${letters}`)
  }
  return lines.join('\n')
}
