import { z } from 'zod'
import type { Catalog } from '../component/catalog.ts'

/** A JSON Schema as far as the reference looks into it. */
export interface Shape {
  readonly title?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: { readonly [name: string]: Shape }
  readonly required?: readonly string[]
  readonly additionalProperties?: Shape | boolean
  readonly propertyNames?: Shape
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
  readonly [keyword: string]: unknown
}

const durations = /^\^\\d\+\(ms\|/
/** What JSON Schema itself knows; others are names that a component's schema uses among its own. */
const formats = ['date-time', 'uri', 'regex']

/** What a config may look like before it is parsed, as JSON Schema: draft 7, which every editor knows. */
export function inputShape(schema: z.ZodType): Shape {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    override({ jsonSchema }) {
      const { format } = jsonSchema
      if (format !== undefined && !formats.includes(format)) delete jsonSchema.format
      if (format === 'date-time') delete jsonSchema.pattern
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  }) as Shape
}

/** Whether it is text such as "10s". */
export const isDuration = ({ pattern = '' }: Shape): boolean => durations.test(pattern)

/** The shape with what lies directly inside it replaced; names of fields stay as they are. */
export function mapShapes(shape: Shape, change: (part: Shape) => Shape): Shape {
  const { properties, additionalProperties, items, anyOf, oneOf } = shape
  return {
    ...shape,
    ...(properties && { properties: mapValues(properties, change) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: change(additionalProperties) }),
    ...(items && { items: change(items) }),
    ...(anyOf && { anyOf: anyOf.map(change) }),
    ...(oneOf && { oneOf: oneOf.map(change) }),
  }
}

const mapValues = (shapes: { readonly [name: string]: Shape }, change: (part: Shape) => Shape) =>
  Object.fromEntries(Object.entries(shapes).map(([name, part]) => [name, change(part)]))

/** A place in a config that names one component out of a kind. */
export interface Choice {
  readonly kind: 'source' | 'operator' | 'sink'
  readonly names: readonly string[]
}

/** Changes every place that names a component. */
export function mapChoices(shape: Shape, catalog: Catalog, change: (part: Shape, choice: Choice) => Shape): Shape {
  const inner = mapShapes(shape, (part) => mapChoices(part, catalog, change))
  const kinds = { source: catalog.sources, operator: catalog.operators, sink: catalog.sinks } as const
  for (const [kind, specs] of Object.entries(kinds)) {
    const names = specs.map(({ name }) => name)
    if (shape.properties && names.every((name) => shape.properties![name])) {
      return change(inner, { kind: kind as Choice['kind'], names })
    }
  }
  return inner
}
