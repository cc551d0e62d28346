import { z } from 'zod'
import { Fault } from '../record/fault.ts'
import type { Origin, Record } from '../record/record.ts'
import { limits } from './expressionFunctions.ts'
import { bound, checkLiterals, fieldPath, language, rewrite, withSteps, type Node } from './expressionLanguage.ts'
import { compileMessage, faultMessage } from './expressionMessage.ts'
import { described, plain } from './expressionResult.ts'
import { fieldName, withoutProto } from './fields.ts'

/** An expression over records, compiled once. */
export interface RecordExpression {
  readonly text: string
  /**
   * The expression's result as plain JSON-able data; undefined for an absent optional such as `record.?title`.
   * @param now the scheduler's time, milliseconds since the epoch
   * @throws ExpressionFault naming the expression and what the record's value was of
   */
  of(record: Record, now: number): unknown
}

/** An expression over records and one value more, compiled once. */
export interface ExtendedExpression {
  readonly text: string
  /** @throws ExpressionFault as that of a RecordExpression does */
  of(record: Record, now: number, value: unknown): unknown
}

/** A condition over records, compiled once. */
export interface RecordPredicate {
  readonly text: string
  /** @throws ExpressionFault also when the result is not a boolean */
  holds(record: Record, now: number): boolean
}

/** An expression over variables other than a record's, compiled once. */
export interface Expression {
  readonly text: string
  /** The type of the result as far as it is known before the start, in CEL's words: "bool", "double", "dyn" ... */
  readonly gives: string
  /** @throws ExpressionFault when it cannot be evaluated over these values */
  of(values: { readonly [variable: string]: unknown }): unknown
}

/** A condition over variables other than a record's, compiled once. */
export interface Condition {
  readonly text: string
  /** @throws ExpressionFault also when the result is not a boolean */
  holds(values: { readonly [variable: string]: unknown }): boolean
}

/** An expression did not fit the record: a field is missing or of another type. */
export class ExpressionFault extends Fault {
  readonly code = 'expression.failed'
  readonly disposition = 'deadLetter'

  constructor(expression: string, problem: string, options?: ErrorOptions) {
    super(`"${expression.length > 200 ? `${expression.slice(0, 200)}…` : expression}": ${problem}`, options)
  }
}

/** An expression does not compile; the message says what is wrong and what would be right. */
class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}

type Scalar = string | number | boolean | null
const scalar = () =>
  z.union([z.string(), z.number(), z.boolean(), z.null()], {
    error: 'expected a CEL expression, such as "record.price < 1", or a number, true, false or null',
  })

/** A config field that holds a CEL expression over a record, or a number, boolean or null that stands for itself. */
export const expression = (): z.ZodType<RecordExpression, Scalar> => scalar().transform(orIssue(overRecords))

/** A config field that holds a CEL expression over a record and over one value more, which has this name in it. */
export const expressionWith = (name: string): z.ZodType<ExtendedExpression, Scalar> =>
  scalar().transform(
    orIssue((text): ExtendedExpression => {
      const { of } = program(text, recordEnvironment.clone().registerVariable(name, 'dyn'), [
        ...Object.keys(recordVariables),
        name,
      ])
      return {
        text,
        of: (record, now, value) =>
          of(Object.defineProperty(new Scope(record, now), name, { value, enumerable: true })),
      }
    }),
  )

/** A config field that holds a CEL expression over these variables alone. */
export const expressionOver = (variables: readonly string[]): z.ZodType<Expression, Scalar> =>
  scalar().transform(orIssue((text) => compile(text, variables)))

/** Expressions by the name of the field that each one fills. */
export type FieldExpressions = readonly (readonly [name: string, expression: RecordExpression])[]

/** A config field that holds either one expression or a map of names to expressions; parsed to the one or to a list. */
export const shape = (): z.ZodType<RecordExpression | FieldExpressions, Scalar | { [name: string]: Scalar }> =>
  withoutProto(
    z
      .union([z.string(), z.number(), z.boolean(), z.null(), z.record(fieldName(), scalar())])
      .transform((given, context): RecordExpression | FieldExpressions => {
        if (given === null || typeof given !== 'object') return orIssue(overRecords)(given, context)
        return Object.entries(given).map(([name, text]) => [name, orIssue(overRecords, [name])(text, context)])
      }),
  )

/** A config field that holds a CEL condition over a record. */
export const predicate = (): z.ZodType<RecordPredicate, Scalar> =>
  scalar().transform(
    orIssue((text): RecordPredicate => {
      const { gives, of } = overRecords(text)
      assertBoolean(gives)
      return { text, holds: (record, now) => truth(text, of(record, now)) }
    }),
  )

/** A config field that holds a CEL condition over these variables, such as `size > 1000`; parsed to its compiled form. */
export const condition = (variables: readonly string[]): z.ZodType<Condition, string | boolean> =>
  z.union([z.string(), z.boolean()], { error: 'expected a CEL condition, such as "size > 1000"' }).transform(
    orIssue((text): Condition => {
      const { gives, of } = compile(text, variables)
      assertBoolean(gives)
      return { text, holds: (values) => truth(text, of(values)) }
    }),
  )

function orIssue<T>(parse: (text: string) => T, path: string[] = []): (given: Scalar, context: z.RefinementCtx) => T {
  return (given, context) => {
    try {
      return parse(String(given))
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown
      context.addIssue({ code: 'custom', message: thrown.message, path })
      return z.NEVER
    }
  }
}

function assertBoolean(gives: string): void {
  if (['bool', 'dyn'].includes(gives)) return
  throw new ExpressionError(`the expression gives ${gives}, expected a condition that is true or false`)
}

function truth(text: string, result: unknown): boolean {
  if (typeof result === 'boolean') return result
  throw new ExpressionFault(text, `gives ${described(result)}, expected a boolean`)
}

/**
 * Compiles an expression over variables of any type.
 * @throws Error that says what is wrong with it and what would be right
 */
export function compile(text: string, variables: readonly string[]): Expression {
  const environment = language.clone()
  for (const name of variables) environment.registerVariable(name, 'dyn')
  return program(text, environment, variables)
}

const recordVariables = {
  record: 'dyn',
  key: 'dyn',
  headers: 'map<string, dyn>',
  timestamp: 'google.protobuf.Timestamp',
  now: 'google.protobuf.Timestamp',
  origin: 'map<string, dyn>',
}
const recordEnvironment = language.clone()
for (const [name, type] of Object.entries(recordVariables)) recordEnvironment.registerVariable(name, type)

/** What an expression sees of a record; what it does not ask for is not made. */
class Scope {
  readonly #record: Record
  readonly #now: number

  constructor(record: Record, now: number) {
    this.#record = record
    this.#now = now
  }

  get record(): unknown {
    return this.#record.value
  }
  get key(): string | null {
    return this.#record.key?.toString() ?? null
  }
  get headers(): ReadonlyMap<string, string | null> {
    return new Map(this.#record.headers.map(([name, value]) => [name, value?.toString() ?? null]))
  }
  get timestamp(): Date {
    return new Date(this.#record.timestamp)
  }
  get now(): Date {
    return new Date(this.#now)
  }
  get origin(): Omit<Origin, 'timestamp'> {
    const { source, topic, partition, offset } = this.#record.origin
    return { source, topic, partition, offset }
  }
}

function overRecords(text: string): RecordExpression & Pick<Expression, 'gives'> {
  const { gives, of, path } = program(text, recordEnvironment, Object.keys(recordVariables))
  const evaluate = (record: Record, now: number) => of(new Scope(record, now))
  if (!path) return { text, gives, of: evaluate }
  return { text, gives, of: (record, now) => scalarAt(record.value, path) ?? evaluate(record, now) }
}

/** A field that is simply there, read without the language; undefined where the language has more to say of it. */
function scalarAt(value: unknown, path: readonly string[]): Scalar | undefined {
  let found = value
  for (const name of path) {
    if (found === null || typeof found !== 'object' || Object.getPrototypeOf(found) !== Object.prototype)
      return undefined
    found = Object.hasOwn(found, name) ? (found as { [name: string]: unknown })[name] : undefined
  }
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? found : undefined
}

interface Program {
  readonly text: string
  readonly gives: string
  /** The names of the fields that lead from the record to what it gives, where it does nothing else. */
  readonly path: readonly string[] | undefined
  of(scope: object): unknown
}

function program(text: string, environment: typeof language, variables: readonly string[]): Program {
  const { root, gives, evaluate } = parsed(text, environment, variables)
  const path = fieldPath(root)
  const parts = new Map<string, (scope: object) => unknown>()

  /** Evaluates a part of the expression by itself: only to say what was wrong. */
  const part = (source: string, scope: object): unknown => {
    const known = parts.get(source) ?? parsed(source, environment, variables).evaluate
    parts.set(source, known)
    return known(scope)
  }
  return {
    text,
    gives,
    path,
    of(scope) {
      try {
        const result = evaluate(scope)
        return path ? result : plain(result)
      } catch (thrown) {
        throw new ExpressionFault(
          text,
          faultMessage(thrown, root, text, (source) => part(source, scope)),
        )
      }
    },
  }
}

function parsed(text: string, environment: typeof language, variables: readonly string[]) {
  if (text.length > limits.characters) {
    throw new ExpressionError(`the expression has ${text.length} characters, at most ${limits.characters} are allowed`)
  }
  try {
    const evaluate = environment.parse(text)
    const root = evaluate.ast as unknown as Node
    rewrite(root)
    const { type, error } = evaluate.check()
    if (error) throw error
    checkLiterals(root)
    const loops = bound(root)
    const run = (scope: object): unknown => evaluate(scope)
    return { root, gives: type ?? 'dyn', evaluate: loops ? withSteps(run) : run }
  } catch (thrown) {
    throw new ExpressionError(compileMessage(thrown, text, variables))
  }
}
