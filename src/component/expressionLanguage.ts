import { Environment } from '@marcbachmann/cel-js'
import { compiledPattern, functions, limits, refuse, replaced, standIns, tooLong } from './expressionFunctions.ts'

/** The library's own syntax tree, as far as it is walked here. */
export interface Node {
  readonly op: string
  readonly args: unknown
  readonly start: number
  readonly end: number
  readonly meta: { readonly alternate?: Node; readonly evaluate: Evaluate }
  setMeta(name: 'evaluate', evaluate: Evaluate): Node
}
type Evaluate = (evaluator: unknown, node: Node, context: unknown) => unknown

/** CEL with JSON's numbers: an integer and a double mix, and give a double. */
export const language = new Environment({
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 2_000, maxDepth: 64, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 16 },
})

type Numeric = number | bigint
const arithmetic: { readonly [operator: string]: (a: Numeric, b: Numeric) => number } = {
  '+': (a, b) => Number(a) + Number(b),
  '-': (a, b) => Number(a) - Number(b),
  '*': (a, b) => Number(a) * Number(b),
  '/': (a, b) => Number(a) / Number(b),
  '%': (a, b) => Number(a) % Number(b),
}
for (const [operator, apply] of Object.entries(arithmetic)) {
  language.registerOperator(`int ${operator} double: double`, apply)
  language.registerOperator(`double ${operator} int: double`, apply)
}
language.registerOperator('double % double', arithmetic['%']!)
language.registerOperator('int == double', (a: bigint, b: number) => Number(a) === b)

for (const { signature, description, handler } of [...functions, ...standIns]) {
  language.registerFunction({
    signature,
    description,
    handler: handler as (...args: unknown[]) => unknown,
    async: false,
  })
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'op' in value

/** Every node under this one, itself included; what macros expand to is reached through `meta.alternate`. */
export function* nodes(node: unknown): Generator<Node> {
  if (Array.isArray(node)) for (const element of node) yield* nodes(element)
  if (!isNode(node)) return
  yield node
  yield* nodes(node.args)
}

/** Puts the stand-ins in place of what they replace, and takes bare names before a colon as texts: `{title: record.t}`. */
export function rewrite(root: Node): void {
  for (const node of nodes(root)) {
    if (node.op === 'call' || node.op === 'rcall') {
      const args = node.args as [string, ...unknown[]]
      if (Object.hasOwn(replaced, args[0])) args[0] = replaced[args[0]]!
    }
    if (node.op === 'map') {
      for (const entry of node.args as [Node, Node][]) if (entry[0].op === 'id') entry[0] = text(String(entry[0].args))
    }
  }
}

const text = (value: string): Node => language.parse(JSON.stringify(value)).ast as unknown as Node

let stepsLeft = 0

/** Gives every evaluation its own budget of steps. */
export const withSteps =
  (evaluate: (scope: object) => unknown) =>
  (scope: object): unknown => {
    stepsLeft = limits.steps
    return evaluate(scope)
  }

/**
 * Makes a checked tree count the steps of its loops and bound the texts and lists that it builds.
 * @returns whether there are loops, which need `withSteps`
 */
export function bound(root: Node): boolean {
  let loops = false
  for (const { meta } of nodes(root)) {
    if (meta.alternate?.op === 'comprehension') {
      loops = true
      around((meta.alternate.args as { readonly step: Node }).step, (run) => (evaluator, node, context) => {
        if (--stepsLeft < 0) refuse('too_many_steps', `takes more than ${limits.steps} steps`)
        return run(evaluator, node, context)
      })
    }
  }
  for (const node of nodes(root)) {
    if (node.op === '+' || (node.op === 'rcall' && (node.args as [string])[0] === 'join')) around(node, bounded)
  }
  return loops
}

/** The path of the field, where the expression is a field of the record and nothing else: its value is plain already. */
export function fieldPath({ op, args }: Node): readonly string[] | undefined {
  if (op === 'id') return args === 'record' ? [] : undefined
  if (op !== '.') return undefined
  const [holder, name] = args as readonly [Node, string]
  const path = fieldPath(holder)
  return path && [...path, name]
}

/** @throws when a regular expression or duration written in the expression is not one, or a field cannot be named so */
export function checkLiterals(root: Node): void {
  for (const { op, args } of nodes(root)) {
    if (op === 'map') {
      for (const [{ op: kind, args: name }] of args as readonly (readonly [Node, Node])[]) {
        if (kind === 'value' && ['__proto__', 'constructor', 'prototype'].includes(String(name))) {
          throw new Error(`a field cannot be named "${String(name)}"`)
        }
      }
    }
    if (op === 'call') literalOf(args, 'duration', 1, (text) => language.evaluate(`duration(${JSON.stringify(text)})`))
    if (op === 'rcall') literalOf(args, replaced['matches']!, 2, compiledPattern)
  }
}

function literalOf(args: unknown, name: string, at: number, check: (text: string) => unknown): void {
  const call = args as readonly [string, ...unknown[]]
  const [argument] = [call[at]].flat() as readonly Node[]
  if (call[0] === name && argument?.op === 'value') check(String(argument.args))
}

function around(node: Node, wrap: (run: Evaluate) => Evaluate): void {
  node.setMeta('evaluate', wrap(node.meta.evaluate))
}

const bounded =
  (run: Evaluate): Evaluate =>
  (evaluator, node, context) => {
    const result = run(evaluator, node, context)
    const length = typeof result === 'string' || Array.isArray(result) ? result.length : 0
    return length > limits.length ? tooLong() : result
  }
