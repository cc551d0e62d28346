import { isDeepStrictEqual } from 'node:util'
import { Document, isMap, isScalar, isSeq, parseDocument, visit, type Node } from 'yaml'

/** A test as it is to stand in a config: plain data, with lines of comment above it. */
export interface WrittenTest {
  readonly comment: readonly string[]
  readonly test: { readonly name: string }
}

/** The `tests` of a config are written in a way that nothing can be appended to. */
export class TestsNotAppendable extends Error {
  override readonly name = 'TestsNotAppendable'
}

/** A test as an item of a block list. */
export function testText({ comment, test }: WrittenTest): string {
  const document = new Document([test])
  visit(document, {
    Pair(_, { key, value }) {
      const name = isScalar(key) ? key.value : undefined
      const isShort = ['given', 'expect', '$headers', '$raw'].includes(String(name))
      if (isShort && (isMap(value) || isSeq(value))) value.flow = true
    },
  })
  const item = document.toString({ lineWidth: 0, blockQuote: false, singleQuote: true })
  return `${comment.map((line) => `# ${line}\n`).join('')}${item}`
}

/**
 * The text of a config with one more test at the end of its `tests`; everything else stays as it is written.
 * @throws TestsNotAppendable
 */
export function withTest(config: string, written: WrittenTest): string {
  const before = parsed(config)
  const { at, indent, lead } = placeOf(config, before)
  const head = config.slice(0, at)
  const item = testText(written).replaceAll(/^(?=.)/gm, ' '.repeat(indent))
  const added = `${head === '' || head.endsWith('\n') ? '' : '\n'}${lead}${item}`
  const text = head + (config.includes('\r\n') ? added.replaceAll('\n', '\r\n') : added) + config.slice(at)
  const { tests, ...rest } = plainOf(before)
  const expected = { ...rest, tests: [...((tests as readonly unknown[] | null | undefined) ?? []), written.test] }
  if (!isDeepStrictEqual(plainOf(parsed(text)), expected)) throw new TestsNotAppendable(asBlock)
  return text
}

const asBlock =
  'its `tests` cannot be appended to as they are written; write them last, as a list with a line `- name: …` for each'

const parsed = (text: string) => parseDocument(text, { merge: true, logLevel: 'error' })

const plainOf = (document: ReturnType<typeof parsed>) =>
  document.errors.length === 0 ? (document.toJS({ maxAliasCount: 100 }) as { readonly [key: string]: unknown }) : {}

interface Place {
  /** Where the text is put in: at the start of a line, or the end of the text. */
  readonly at: number
  readonly indent: number
  /** What stands before the item. */
  readonly lead: string
}

function placeOf(text: string, { contents }: ReturnType<typeof parsed>): Place {
  if (!isMap(contents) || contents.flow) throw new TestsNotAppendable(asBlock)
  const pair = contents.items.find(({ key }) => isScalar(key) && key.value === 'tests')
  if (!pair) return { at: text.length, indent: 2, lead: '\ntests:\n' }
  const { value } = pair
  if (value === null || (isScalar(value) && value.value === null))
    return { at: nextLine(text, (pair.key as Node).range![1]), indent: 2, lead: '' }
  if (!isSeq(value) || value.flow || value.items.length === 0) throw new TestsNotAppendable(asBlock)
  const start = value.range[0]
  const last = value.items.at(-1) as Node
  const end = text.slice(0, last.range![1]).trimEnd().length
  return { at: nextLine(text, end), indent: start - (text.lastIndexOf('\n', start - 1) + 1), lead: '\n' }
}

function nextLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end + 1
}
