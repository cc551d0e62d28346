import type { Example, OperatorSpec } from '../component/operator.ts'
import type { SinkSpec } from '../component/sink.ts'
import type { ConfigExample, SourceSpec } from '../component/source.ts'
import type { FaultClass } from '../record/fault.ts'
import { named } from './block.ts'
import { configSection } from './configSection.ts'
import { faultFacts } from './fault.ts'
import { flow } from './flow.ts'
import { inputShape } from './shape.ts'
import { table } from './table.ts'

export type Spec = SourceSpec | OperatorSpec | SinkSpec

/** A component's page of the reference, in Markdown. */
export function page(kind: string, { name, summary, config, faults, examples }: Spec): string {
  return [
    `# ${name}`,
    `*${kind}.* ${summary}`,
    '## Config',
    ...configSection(inputShape(config)),
    ...faultSection(faults),
    '## Examples',
    ...examples.flatMap((example) => exampleSection(kind, name, example)),
  ].join('\n\n')
}

function faultSection(faults: readonly FaultClass[]): string[] {
  if (faults.length === 0) return []
  const facts = faults.map(faultFacts).toSorted((a, b) => (a.code < b.code ? -1 : 1))
  const rows = facts.map(({ code, dispositions, message = '' }) => [
    `\`${code}\``,
    dispositions.map((disposition) => fates[disposition]).join(' or '),
    message,
  ])
  return ['## Faults', table(['code', 'the record is', 'says'], rows)]
}

const fates = { retry: 'tried again', deadLetter: 'dead-lettered', halt: 'not read further: its task stops' } as const

function exampleSection(kind: string, name: string, example: ConfigExample | Example): string[] {
  const config =
    kind === 'source'
      ? `sources:\n  my.topic:\n    ${named(name, example.config, 6)}`
      : `${kind === 'sink' ? 'to' : 'steps'}:\n  - ${named(name, example.config, 6)}`
  return [`### ${example.title}`, `\`\`\`yaml\n${config}\n\`\`\``, ...('given' in example ? [outcomes(example)] : [])]
}

const outcomes = ({ other, given, expect }: Example): string =>
  table(
    ['comes in', 'leaves as'],
    [
      ...(other ?? []).map((value) => [`the other side: ${code(value)}`, '']),
      ...given.map((value, at) => [code(value), outcome(expect[at])]),
    ],
  )

function outcome(expected: Example['expect'][number] = []): string {
  if (typeof expected !== 'string') return expected.map(code).join('<br>') || 'nothing yet: it is kept'
  const [what, ...rest] = expected.split(' ')
  return what === 'drop' ? `dropped: ${rest.join(' ')}` : `fault \`${rest.join(' ')}\``
}

const code = (value: unknown): string => `\`${flow(value)}\``
