import type { DescribedNode, DescribedSubtopology, Description } from './describe.ts'

/** A topology as a Mermaid flowchart; dotted lines lead to dead-letter topics. */
export function describeAsMermaid({ subtopologies }: Description): string {
  return ['flowchart LR', ...subtopologies.flatMap(subgraph), ''].join('\n')
}

function subgraph({ id, nodes, retries }: DescribedSubtopology): string[] {
  const numbers = new Map(nodes.map((node, at) => [node.id, `n${id}_${at}`]))
  const letters = [...new Set(nodes.flatMap(({ deadLetters }) => deadLetters))]
  const letterNumber = (topic: string) => `d${id}_${letters.indexOf(topic)}`
  return [
    `  subgraph s${id}["Sub-topology ${id}"]`,
    ...nodes.map((node) => `    ${numbers.get(node.id)}${shape(node)}`),
    ...letters.map((topic) => `    ${letterNumber(topic)}[("${escaped(topic)}")]:::deadLetters`),
    ...retries.map(({ topic }, at) => `    r${id}_${at}[("${escaped(topic)}")]`),
    ...nodes.flatMap((node) => node.to.map((to) => `    ${numbers.get(node.id)} --> ${numbers.get(to)}`)),
    ...nodes.flatMap((node) =>
      node.deadLetters.map((topic) => `    ${numbers.get(node.id)} -.-> ${letterNumber(topic)}`),
    ),
    ...retries.map(({ source }, at) => `    ${numbers.get(source)} <-. retries .-> r${id}_${at}`),
    '  end',
    ...(id === 0 ? ['  classDef deadLetters stroke:#c00,stroke-dasharray:4'] : []),
  ]
}

function shape({ kind, id, component: name, topic, globalTable }: DescribedNode): string {
  const component = globalTable === undefined ? name : `${name} ${globalTable} (global)`
  const text =
    kind === 'operator'
      ? escaped(globalTable === undefined ? id : `${id}, reads ${globalTable} (global)`)
      : `${escaped(topic ?? id)}<br/>${escaped(component)}`
  if (kind === 'operator') return `["${text}"]`
  return kind === 'source' ? `(["${text}"])` : `[/"${text}"/]`
}

/** Text inside a quoted label: characters that mean something there become entities. */
const escaped = (text: string): string => text.replace(/["#<>&`\\]/g, (character) => `#${character.charCodeAt(0)};`)
