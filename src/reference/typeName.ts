import { isDuration, type Shape } from './shape.ts'

/** What a field takes, in a few words for a table: "duration", "list of paths", "`json` or `text`". */
export function typeName(shape: Shape): string {
  const { const: constant, enum: choices, anyOf, oneOf, type, pattern = '', items, format } = shape
  if (constant !== undefined) return code(constant)
  if (choices) return either(choices.map(code))
  if (anyOf ?? oneOf) return either([...new Set(formsOf(shape).map(typeName))])
  if (Array.isArray(type))
    return isExpression(shape) ? 'expression' : either(type.map((one: string) => names[one] ?? one))
  if (type === 'array') return items ? `list of ${plural(typeName(items))}` : 'list'
  if (type === 'object') return objectName(shape)
  if (isDuration(shape)) return 'duration'
  if (pattern.includes('KiB')) return 'size'
  if (pattern.includes('{1,249}')) return 'topic'
  if (pattern === paths) return 'path'
  if (format === 'uri') return 'URL'
  if (format === 'date-time') return 'time'
  return type === undefined ? 'anything' : (names[String(type)] ?? String(type))
}

/** The forms that a config may have: a scalar of any type is how an expression is written. */
export function formsOf(shape: Shape): readonly Shape[] {
  const forms = shape.oneOf ?? shape.anyOf ?? [shape]
  const isScalar = ({ type, ...rules }: Shape) => scalars.includes(String(type)) && Object.keys(rules).length === 0
  const types = forms.filter(isScalar).map(({ type }) => type)
  if (!scalars.every((type) => types.includes(type))) return forms
  return [{ type: scalars }, ...forms.filter((form) => !isScalar(form))]
}

const scalars = ['string', 'number', 'boolean', 'null']

const paths = '^[\\w-]+(\\.[\\w-]+)*$'

const names: { readonly [type: string]: string } = { string: 'text', integer: 'whole number', boolean: 'true or false' }

function objectName({ title, properties = {}, additionalProperties }: Shape): string {
  if (title !== undefined) return title
  const fields = Object.keys(properties)
  if (fields.length > 0) return `\`{ ${fields.join(', ')} }\``
  if (typeof additionalProperties !== 'object') return 'object'
  return `map of names to ${plural(typeName(additionalProperties))}`
}

/** What a CEL expression may be written as in YAML. */
const isExpression = ({ type }: Shape): boolean => String(type) === String(scalars)

const code = (value: unknown): string => `\`${String(value)}\``

const either = (choices: readonly string[]): string =>
  choices.length < 2 ? choices.join('') : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`

const unchanged = /[`)]$|^anything$|^text$|boolean$|false$/

const plural = (name: string): string =>
  name.startsWith('map of ')
    ? name.replace('map', 'maps')
    : name.includes(' or ') && !unchanged.test(name)
      ? `(${name})`
      : unchanged.test(name)
        ? name
        : `${name}s`
