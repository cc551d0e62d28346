import type { Catalog } from '../component/catalog.ts'
import { configSchema } from '../topology/config.ts'
import { inputShape, mapChoices, mapShapes, type Shape } from './shape.ts'

/** What a config may say instead of any value that is not free text: a variable of the environment. */
const variable: Shape = {
  type: 'string',
  pattern: '\\$\\{[A-Za-z_]\\w*(:[^}]*)?\\}',
  description: 'A variable of the environment: ${NAME}, or ${NAME:default}.',
}

/** The config grammar as JSON Schema, for completion and checks in editors. */
export function jsonSchema(catalog: Catalog): Shape {
  const { $schema, ...shape } = inputShape(configSchema(catalog))
  const exactlyOne = mapChoices(shape, catalog, (part, { names }) => ({
    ...part,
    oneOf: names.map((name) => ({ required: [name] })),
  }))
  const schema = withVariables(exactlyOne)
  return { $schema, title: 'An Oxbow pipeline', ...schema, definitions: { variable } }
}

/** Lets every value that is not free text be a variable. */
function withVariables(shape: Shape): Shape {
  if (isConstrained(shape)) {
    const { description, default: initial, examples, ...rest } = shape
    const kept = { description, default: initial, examples }
    const said = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined))
    return { ...said, anyOf: [rest, { $ref: '#/definitions/variable' }] }
  }
  return mapShapes(shape, withVariables)
}

function isConstrained({ type, pattern, format, enum: choices, const: constant, ...shape }: Shape): boolean {
  if (shape.properties || shape.items || shape.anyOf || shape.oneOf || shape.additionalProperties) return false
  if (type === 'string') return [pattern, format, choices, constant].some((rule) => rule !== undefined)
  return ['number', 'integer', 'boolean'].includes(String(type))
}
