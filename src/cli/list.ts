import { Command } from 'commander'
import { catalog } from '../catalog.ts'
import type { Catalog } from '../component/catalog.ts'
import { nearest } from '../topology/issue.ts'
import { UsageError } from './failure.ts'
import { describeComponent, type Component } from './list/component.ts'
import { print, printJson } from './output.ts'

const kinds = ['sources', 'operators', 'sinks'] as const

export const listCommand = (): Command =>
  new Command('list')
    .description('Lists the components that configs can name, or shows the docs of one.')
    .argument('[name]', `${kinds.join(', ')}, or a component`)
    .option('--json', 'one JSON object a component: kind, name, summary')
    .addHelpText(
      'after',
      `
Examples:
  oxbow list
  oxbow list operators
  oxbow list dedupe`,
    )
    .action(list)

async function list(name: string | undefined, { json }: { readonly json?: true }): Promise<void> {
  const all = kinds.flatMap((kind) => componentsOf(kind, catalog))
  const chosen =
    name === undefined ? all : all.filter((component) => component.kind === name || component.spec.name === name)
  if (chosen.length === 0) throw new UsageError(unknown(name!, all))
  if (json) {
    for (const { kind, spec } of chosen) await printJson({ kind, name: spec.name, summary: spec.summary })
  } else if (name === undefined || kinds.some((kind) => kind === name)) {
    await print(summaries(chosen))
  } else {
    await print(chosen.map(describeComponent).join('\n'))
  }
}

const componentsOf = (kind: keyof Catalog, { [kind]: specs }: Catalog): Component[] =>
  specs.map((spec) => ({ kind, spec }))

function summaries(components: readonly Component[]): string {
  const width = Math.max(...components.map(({ spec }) => spec.name.length))
  return [...Map.groupBy(components, ({ kind }) => kind)]
    .map(
      ([kind, group]) =>
        `${kind}\n${group.map(({ spec }) => `  ${spec.name.padEnd(width)}  ${spec.summary}\n`).join('')}`,
    )
    .join('\n')
}

function unknown(name: string, all: readonly Component[]): string {
  const known = [...kinds, ...new Set(all.map(({ spec }) => spec.name))]
  const near = nearest(name, known)
  return `there is no component ${name}; ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : '"oxbow list" shows those that there are'}`
}
