import { z } from 'zod'
import type { Catalog } from '../../component/catalog.ts'
import { faultCode } from '../../component/faultCode.ts'
import type { Example } from '../../component/operator.ts'
import type { ConfigExample } from '../../component/source.ts'
import { describeFields } from './fields.ts'
import { flow } from '../../reference/flow.ts'

export interface Component {
  readonly kind: keyof Catalog
  readonly spec: Catalog[keyof Catalog][number]
}

/** What a component does, takes, and may answer with, for a terminal. */
export function describeComponent({ kind, spec }: Component): string {
  const { name, summary, config, examples, faults } = spec
  const schema = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' })
  const codes = [...new Set(faults.map(faultCode))]
  return [
    `${name} (${kind.slice(0, -1)})`,
    `  ${summary}`,
    '',
    'Config',
    ...describeFields(schema).map((line) => `  ${line}`),
    '',
    'Examples',
    ...examples.flatMap((example) => describeExample(name, example)).map((line) => `  ${line}`),
    ...(codes.length > 0 ? ['', 'Faults', ...codes.map((code) => `  ${code}`)] : []),
    '',
  ].join('\n')
}

function describeExample(name: string, example: Example | ConfigExample): string[] {
  const lines = [`# ${example.title}`, `- ${flow({ [name]: example.config })}`]
  if (!('given' in example)) return lines
  const outcomes = example.given.map((value, at) => {
    const outcome = example.expect[at]
    return `    ${flow(value)}  ->  ${typeof outcome === 'string' ? outcome : (outcome ?? []).map(flow).join(', ') || 'nothing'}`
  })
  return [...lines, ...outcomes]
}
