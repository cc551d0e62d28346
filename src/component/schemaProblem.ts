import type { ErrorObject } from 'ajv'
import { kindOf } from '../record/kind.ts'

const shown = 3

/**
 * The first problems a JSON Schema found, in words: where, what is wrong and what would be right. Names and types of
 * fields are said, values never: they may be personal data.
 * @returns such as `/price must be <= 1; /slug is missing; and 2 more`
 */
export function describeProblems(errors: readonly ErrorObject[]): string {
  const problems = [...new Set(errors.map(describe))]
  const rest = problems.length - shown
  return [...problems.slice(0, shown), ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ')
}

function describe({ instancePath, keyword, params, schema, data, message }: ErrorObject): string {
  const at = place(instancePath)
  switch (keyword) {
    case 'type':
      return `${at} is ${article(kindOf(data))}, must be ${alternatives(params.type)}`
    case 'required':
      return `${below(instancePath, params.missingProperty)} is missing`
    case 'dependentRequired':
    case 'dependencies':
      return `${below(instancePath, params.missingProperty)} is missing, which ${below(instancePath, params.property)} needs`
    case 'additionalProperties':
      return `${below(instancePath, params.additionalProperty)} is not a field of the schema`
    case 'unevaluatedProperties':
      return `${below(instancePath, params.unevaluatedProperty)} is not a field of the schema`
    case 'propertyNames':
      return `${below(instancePath, params.propertyName)} has a name that the schema does not allow`
    case 'false schema':
      return `${at} must not be there`
    case 'const':
      return `${at} must be ${clip(JSON.stringify(schema))}`
    case 'enum':
      return `${at} must be one of ${clip((schema as readonly unknown[]).map((one) => JSON.stringify(one)).join(', '))}`
    case 'format':
      return `${at} is not a valid ${String(params.format)}`
    case 'not':
      return `${at} must not match the schema under "not"`
    default:
      return `${at} ${clip(message ?? `breaks the rule "${keyword}"`)}`
  }
}

const place = (pointer: string): string => (pointer === '' ? 'the value' : clip(pointer))

const below = (pointer: string, name: unknown): string =>
  clip(`${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`)

const alternatives = (types: unknown): string =>
  [types]
    .flat()
    .map((type) => article(String(type)))
    .join(' or ')

const article = (type: string): string =>
  ['null', 'bytes'].includes(type) ? type : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`

const clip = (text: string): string => (text.length > 120 ? `${text.slice(0, 119)}…` : text)
