import type { DescribedNode, DescribedRetries, Description } from './describe.ts'

/** A topology as text, as Kafka Streams' `Topology.describe()` has it, with its dead-letter topics. */
export function describeAsText({ subtopologies }: Description): string {
  const parts = subtopologies.map(({ id, nodes, retries }) => {
    const letters = [...new Set(nodes.flatMap(({ deadLetters }) => deadLetters))]
    const ends = letters.map((topic) => block(`Dead letters: ${topic}`, failing(nodes, topic)))
    return [`   Sub-topology: ${id}`, ...nodes.map(nodeText), ...retries.map(retriesText), ...ends].join('\n')
  })
  return `Topologies:\n${parts.join('\n\n')}\n`
}

const kinds = { source: 'Source', operator: 'Processor', sink: 'Sink' } as const

function nodeText({ id, kind, component, topic, globalTable, from, to }: DescribedNode): string {
  const own =
    topic === undefined ? component : kind === 'source' ? `${component}, topics: [${topic}]` : `topic: ${topic}`
  const about = globalTable === undefined ? own : `${component}, global table: ${globalTable}`
  return block(`${kinds[kind]}: ${id} (${about})`, [
    ...(kind === 'sink' ? [] : [`--> ${to.join(', ') || 'none'}`]),
    ...(kind === 'source' ? [] : [`<-- ${from.join(', ')}`]),
  ])
}

const retriesText = ({ topic, source, pipeline, reenter }: DescribedRetries): string =>
  block(`Retries: ${topic} (of ${source}, pipeline ${pipeline})`, [
    `--> ${reenter === 'source' ? 'from the source record on' : 'the operator that failed'}`,
  ])

const block = (title: string, lines: readonly string[]): string =>
  [`    ${title}`, ...lines.map((line) => `      ${line}`)].join('\n')

const failing = (nodes: readonly DescribedNode[], topic: string): string[] => [
  `<-- ${nodes.flatMap(({ id, deadLetters }) => (deadLetters.includes(topic) ? [id] : [])).join(', ')}`,
]
