import { knownAs } from './expressionFunctions.ts'
import { language, nodes, type Node } from './expressionLanguage.ts'
import { described, UnfitResultError } from './expressionResult.ts'

/** The library's errors, as far as messages are made of them. */
interface CelError extends Error {
  readonly code: string
  readonly summary: string
  readonly node?: Node
  readonly range?: { readonly start: number }
}

const isCelError = (error: unknown): error is CelError => error instanceof Error && 'summary' in error

/** What is wrong with an expression that does not compile, and what would be right. */
export function compileMessage(thrown: unknown, text: string, variables: readonly string[]): string {
  if (!isCelError(thrown)) return thrown instanceof Error ? thrown.message : String(thrown)
  const { code, summary } = thrown
  const at = thrown.range ? ` at character ${thrown.range.start + 1}` : ''
  switch (code) {
    case 'unknown_variable': {
      const name = summary.replace('Unknown variable: ', '')
      const there = `there ${variables.length === 1 ? 'is' : 'are'} ${variables.join(', ')}`
      const quote = /^[\w -]+$/.test(text) ? `; for a text write "'${text}'"` : ''
      return `unknown variable "${name}"${at}: ${there}${quote}`
    }
    case 'no_matching_overload': {
      const [, call = '', args = ''] = /'(?:[^'(]*\.)?(\w+)\((.*)\)'/.exec(summary) ?? []
      const name = knownAs(call)
      if (known.has(name)) return `${name}() cannot be used on (${args || 'nothing'})${at}`
      return `unknown function "${name}"${at}${nearest(name)}`
    }
    case 'incompatible_ternary_branches':
      return `${lowered(summary)}${at}; dyn(...) around both allows it`
    case 'limit_exceeded':
      return `the expression is too large: ${lowered(summary)}`
    default:
      return `${lowered(summary).replace('token: EOF', 'end')}${at}${operatorHint(text)}`
  }
}

const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function operatorHint(text: string): string {
  if (/[^=!<>]=[^=]/.test(text)) return '; equality is "=="'
  if (/===|!==/.test(text)) return '; equality is "==" and "!="'
  if (/\b(and|or|not)\b/i.test(text)) return '; logic is "&&", "||" and "!"'
  return ''
}

const known = new Set(language.getDefinitions().functions.map(({ name }) => knownAs(name)))

function nearest(name: string): string {
  const like = [...known].filter((other) => other.slice(0, 3).toLowerCase() === name.slice(0, 3).toLowerCase())
  return like.length > 0 ? `; there is ${like.join(', ')}` : ''
}

/**
 * What failed in an evaluation, in terms of the fields involved and what they are: never with their values.
 * @param evaluate gives the value of a part of the expression, by its text; throws when it has none of its own
 */
export function faultMessage(thrown: unknown, root: Node, text: string, evaluate: (part: string) => unknown): string {
  if (thrown instanceof UnfitResultError) return thrown.message
  // An error that is not the library's own may show a value, such as a time zone.
  if (!isCelError(thrown)) return `cannot be evaluated (${thrown instanceof Error ? thrown.name : typeof thrown})`
  const source = (node: Node): string => text.slice(node.start, node.end)
  const operand = (node: Node): Operand => {
    const literal = node.op === 'value'
    try {
      return { source: source(node), literal, is: described(evaluate(source(node))) }
    } catch {
      // A part that fails by itself, or hangs on a loop's variable, has no kind to speak of.
      return { source: source(node), literal, is: undefined }
    }
  }
  const node = thrown.code === 'invalid_logical_operand' ? logicalCulprit(root, operand) : thrown.node
  if (!node) return plainly(thrown)
  const args = node.args as readonly Node[]
  switch (thrown.code) {
    case 'no_such_key':
      return missing(operand(args[0]!), source(node), node.op)
    case 'index_out_of_bounds':
      return `${source(args[0]!)} has no such element: ${source(node)}`
    case 'invalid_logical_operand':
    case 'invalid_condition_type':
      return expected(operand(node), 'a boolean') ?? plainly(thrown)
    case 'no_such_overload':
      if (node.op.endsWith('_')) {
        return expected(operand(node.args as Node), node.op === '!_' ? 'a boolean' : 'a number') ?? plainly(thrown)
      }
      return mismatch(node.op, operand(args[0]!), operand(args[1]!)) ?? plainly(thrown)
    default:
      if (node.op === 'call' || node.op === 'rcall') return refused(thrown, node, operand)
      return plainly(thrown)
  }
}

interface Operand {
  readonly source: string
  readonly literal: boolean
  readonly is: string | undefined
}

function missing(holder: Operand, source: string, op: string): string {
  if (holder.is === 'an object') return `${source} is missing${op === '.' ? `; has(${source}) asks first` : ''}`
  return holder.is ? `${holder.source} is ${holder.is}, so there is no ${source}` : `${source} is missing`
}

const expected = ({ source, is }: Operand, what: string): string | undefined =>
  is && `${source} is ${is}, expected ${what}`

function mismatch(op: string, left: Operand, right: Operand): string | undefined {
  if (!left.is || !right.is) return undefined
  if (right.literal && !left.literal) return expected(left, right.is)
  if (left.literal && !right.literal) return expected(right, left.is)
  if (['-', '*', '/', '%'].includes(op)) {
    const culprit = [left, right].find(({ is }) => is !== 'a number')
    if (culprit) return expected(culprit, 'a number')
  }
  return `${left.source} is ${left.is} and ${right.source} is ${right.is}, which "${op}" does not take`
}

function logicalCulprit(root: Node, operand: (node: Node) => Operand): Node | undefined {
  for (const { op, args } of nodes(root)) {
    if (op !== '&&' && op !== '||') continue
    const culprit = (args as readonly Node[]).find((side) => !['a boolean', undefined].includes(operand(side).is))
    if (culprit) return culprit
  }
  return undefined
}

/** A function did not take its arguments, or could make nothing of them. */
function refused(error: CelError, { op, args }: Node, operand: (node: Node) => Operand): string {
  const [name, ...rest] = args as readonly [string, ...(Node | readonly Node[])[]]
  const given = rest.flat().map(operand)
  const known = given.filter(({ literal, is }) => !literal && is)
  const named = known.map(({ source, is }) => `${source} is ${is}`).join(' and ')
  const shown = op === 'rcall' ? `.${knownAs(name)}()` : `${knownAs(name)}()`
  if (error.code !== 'no_matching_overload') return `${plainly(error)}${named && ` (${named})`}`
  const numbers = known.some(({ is }) => is === 'a number') ? '; int(...) makes a JSON number an integer' : ''
  return named ? `${named}, which ${shown} does not take${numbers}` : `${shown} does not take its arguments`
}

/** Codes whose own summary shows the value. */
const summaries: { readonly [code: string]: string } = {
  bool_conversion_error: 'bool() reads only "true" and "false"',
  double_conversion_error: 'double() cannot read a number there',
  int_conversion_error: 'int() cannot read an integer there',
  uint_conversion_error: 'uint() cannot read an unsigned integer there',
  invalid_duration: 'duration() takes a text such as "90s" or "1h30m"',
  invalid_regular_expression: 'the regular expression is not valid',
  numeric_overflow: 'an integer grows beyond 64 bits',
  no_such_key: 'a field is missing',
}

const plainly = ({ code, summary }: CelError): string =>
  summaries[code] ?? lowered(summary).replace(/dyn<(\w+)>/g, '$1')
