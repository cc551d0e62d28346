import { flow } from './flow.ts'
import type { Shape } from './shape.ts'
import { table } from './table.ts'
import { formsOf, typeName } from './typeName.ts'

/** What a component's config may hold: a table of its fields for each form that it has. */
export function configSection(shape: Shape): string[] {
  const forms = formsOf(shape)
  const objects = forms.filter(({ properties = {} }) => Object.keys(properties).length > 0)
  const short = [...new Set(forms.filter((form) => !objects.includes(form)).map(typeName))]
  const description = [shape.description, examplesOf(shape)]
    .filter((text) => text !== undefined && text !== '')
    .join(' ')
  return [
    ...(description === '' ? [] : [description]),
    ...(short.length > 0 ? [`Takes: ${short.join(' or ')}${objects.length > 0 ? ', or' : '.'}`] : []),
    ...objects.map(configTable),
  ]
}

/** The fields of a config, a row each; those of an object inside it follow, with dotted names. */
export const configTable = (shape: Shape): string => table(['field', 'type', 'default', ''], rows(shape, ''))

function rows({ properties = {}, required = [], additionalProperties }: Shape, prefix: string): string[][] {
  const fields = Object.entries(properties).flatMap(([name, field]): string[][] => {
    const path = `${prefix}${name}`
    const description = [field.description, examplesOf(field)].filter(Boolean).join(' ')
    const row = [`\`${path}\``, typeName(field), initial(field, required.includes(name)), description]
    return [row, ...inside(field, path)]
  })
  if (typeof additionalProperties !== 'object' || fields.length === 0) return fields
  return [...fields, [`\`${prefix}…\``, typeName(additionalProperties), '', 'Any other name.']]
}

/** The fields below a field, in all its forms: of an object, of the elements of a list, of the values of a map. */
function inside(field: Shape, path: string): string[][] {
  return formsOf(field).flatMap(({ type, items, properties, additionalProperties, ...form }) => {
    if (type === 'object' && properties) return rows({ ...form, properties }, `${path}.`)
    if (items?.properties) return rows(items, `${path}[].`)
    return typeof additionalProperties === 'object' ? insideMap(additionalProperties, `${path}.NAME`) : []
  })
}

const insideMap = (values: Shape, path: string): string[][] =>
  formsOf(values).flatMap((form) => rows({ ...form, additionalProperties: false }, `${path}.`))

const initial = (field: Shape, isRequired: boolean): string => {
  if (field.default === undefined) return isRequired ? '**required**' : ''
  return `\`${flow(field.default)}\``
}

const examplesOf = ({ examples = [] }: Shape): string =>
  examples.length === 0 ? '' : `For example ${examples.map((example) => `\`${flow(example)}\``).join(' or ')}.`
