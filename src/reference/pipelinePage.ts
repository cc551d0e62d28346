import type { Catalog } from '../component/catalog.ts'
import { configSchema } from '../topology/config.ts'
import { configTable } from './configSection.ts'
import { inputShape, mapChoices, type Shape } from './shape.ts'

/** The page of the reference about a config as a whole, in Markdown. */
export function pipelinePage(catalog: Catalog): string {
  const shape = mapChoices(inputShape(configSchema(catalog)), catalog, (part, { kind, names }) => ({
    ...part,
    title: kind,
    properties: Object.fromEntries(options(part, names)),
  }))
  return [
    '# A pipeline',
    'A config is one YAML file. `NAME` stands for a name of your own, `[]` for each element of a list; a source, an operator ' +
      'or a sink is [one component by its name](README.md). Any value may be a variable of the environment: `${NAME}`, or ' +
      '`${NAME:default}`.',
    configTable(shape),
  ].join('\n\n')
}

/** What a place says besides the component that it names. */
function options({ properties = {} }: Shape, names: readonly string[]): [name: string, option: Shape][] {
  return Object.entries(properties)
    .filter(([name]) => !names.includes(name))
    .map(([name, option]) => [
      name,
      name === 'deadLetters' ? { ...option, title: 'as `deadLetters`', properties: {} } : option,
    ])
}
