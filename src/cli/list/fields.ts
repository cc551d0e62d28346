import type { z } from 'zod'
import { flow } from '../../reference/flow.ts'

type Schema = z.core.JSONSchema.BaseSchema

/** The fields of a config as lines: name, type, what it defaults to, and what it is for. */
export function describeFields(schema: Schema): string[] {
  const forms = (schema.oneOf ?? schema.anyOf ?? []).filter(isSchema)
  const own = schema.properties || forms.length === 0 ? [] : [...text(schema), ...formLines(forms)]
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    isSchema(field) ? fieldLines(name, field, schema.required?.includes(name) ?? false) : [],
  )
  const whole = own.length + fields.length === 0 || isSchema(schema.additionalProperties) ? wholeLines(schema) : []
  return [...whole, ...own, ...fields]
}

/** A config that is a single value, or a map with names of the user's own. */
const wholeLines = (schema: Schema): string[] => [schema.properties ? '(map)' : `(${typeOf(schema)})`, ...text(schema)]

/** The forms that a config may have: single values on one line, each map with its fields below. */
function formLines(forms: readonly Schema[]): string[] {
  const values = forms.filter(({ properties }) => !properties).map(typeOf)
  return [
    ...(values.length > 0 ? [`either ${[...new Set(values)].join(' | ')}`] : []),
    ...forms
      .filter(({ properties }) => properties)
      .flatMap((form) => ['either', ...describeFields(form).map((line) => `  ${line}`)]),
  ]
}

function fieldLines(name: string, field: Schema, required: boolean): string[] {
  const preset = field.default === undefined ? (required ? 'required' : 'optional') : `default ${flow(field.default)}`
  return [`${name}  (${typeOf(field)}, ${preset})`, ...text(field)]
}

const text = ({ description }: Schema): string[] => (description === undefined ? [] : [`    ${description}`])

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => flow(value)).join(' | ')
  if (schema.const !== undefined) return flow(schema.const)
  const forms = (schema.anyOf ?? schema.oneOf ?? []).filter(isSchema)
  if (forms.length > 0) return [...new Set(forms.map(typeOf))].join(' | ')
  if (schema.type === 'array') return isSchema(schema.items) ? `list of ${typeOf(schema.items)}` : 'list'
  if (schema.type === 'object') return schema.properties ? flow(namesOf(schema)) : 'map'
  const kinds = [schema.type ?? 'any'].flat()
  return kinds.map((kind) => words[kind] ?? kind).join(' | ')
}

const words: { readonly [kind: string]: string } = { string: 'text', integer: 'whole number', boolean: 'true | false' }

const namesOf = ({ properties }: Schema): object =>
  Object.fromEntries(
    Object.entries(properties ?? {}).map(([name, field]) => [name, isSchema(field) ? typeOf(field) : 'any']),
  )

const isSchema = (schema: unknown): schema is Schema =>
  typeof schema === 'object' && schema !== null && !Array.isArray(schema)
