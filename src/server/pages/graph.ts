import { clipped, html, type Html } from '../html.ts'
import type { RatedNode, RatedTopology } from '../workbench/topologies.ts'
import { grid } from './grid.ts'

const box = { width: 150, height: 44, across: 46, down: 14 } as const

interface Place {
  readonly x: number
  readonly y: number
}

/** A pipeline as a graph, with what passes its nodes. */
export function topologyGraph({ pipeline, nodes }: RatedTopology): Html {
  const places = placesOf(nodes)
  const width = Math.max(...Array.from(places.values(), ({ x }) => x)) + box.width + 2
  const height = Math.max(...Array.from(places.values(), ({ y }) => y)) + box.height + 2
  const told = `${pipeline}: ${nodes.map(({ id, to }) => (to.length > 0 ? `${id} to ${to.join(' and ')}` : id)).join('; ')}`
  return html`<h3>${pipeline}</h3>
    <div class="scroll" role="region" tabindex="0" aria-label="Graph of ${pipeline}">
      <svg
        class="graph"
        width="${width}"
        height="${height}"
        viewBox="0 0 ${width} ${height}"
        role="img"
        aria-label="${told}"
      >
        ${nodes.flatMap((node) => node.to.map((to) => edge(places.get(node.id)!, places.get(to))))}
        ${nodes.map((node) => drawn(node, places.get(node.id)!))}
      </svg>
    </div>
    <details id="nodes-${pipeline}">
      <summary>As a table</summary>
      ${numbersOf(nodes)}
    </details>`
}

/** From left to right, each node behind those that it gets records of. */
function placesOf(nodes: readonly RatedNode[]): ReadonlyMap<string, Place> {
  const columns = new Map<string, number>(nodes.map(({ id }) => [id, 0]))
  // No path is longer than there are nodes: what goes in a circle ends there.
  for (let round = 0, moved = true; moved && round < nodes.length; round++) {
    moved = false
    for (const { id, from } of nodes) {
      const least = Math.max(0, ...from.map((other) => (columns.get(other) ?? -1) + 1))
      if (least > columns.get(id)! && least < nodes.length) {
        columns.set(id, least)
        moved = true
      }
    }
  }
  const rows = new Map<number, number>()
  return new Map(
    nodes.map(({ id }) => {
      const column = columns.get(id)!
      const row = rows.get(column) ?? 0
      rows.set(column, row + 1)
      return [id, { x: 1 + column * (box.width + box.across), y: 1 + row * (box.height + box.down) }]
    }),
  )
}

function edge({ x, y }: Place, to: Place | undefined): Html | undefined {
  if (!to) return undefined
  const [left, top] = [x + box.width, y + box.height / 2]
  const bottom = to.y + box.height / 2
  const bend = Math.max(20, (to.x - left) / 2)
  return html`<path
    class="edge"
    d="M${left} ${top}C${left + bend} ${top} ${to.x - bend} ${bottom} ${to.x} ${bottom}"
  /> `
}

function drawn({ id, kind, component, received, rate, dead }: RatedNode, { x, y }: Place): Html {
  const failed = dead > 0 ? `, ${dead.toLocaleString('en-US')} dead` : ''
  return html`<g class="node ${kind}${dead > 0 ? ' failing' : ''}">
    <title>${id} (${component}): ${received.toLocaleString('en-US')} in, ${rateText(rate)}${failed}</title>
    <rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="6" />
    <text x="${x + 8}" y="${y + 18}">${clipped(id, 22)}</text>
    <text class="quiet" x="${x + 8}" y="${y + 35}">${clipped(`${rateText(rate)}${failed}`, 24)}</text>
  </g> `
}

const rateText = (rate: number): string =>
  `${rate >= 10 ? Math.round(rate).toLocaleString('en-US') : Number(rate.toPrecision(2))}/s`

const numbersOf = (nodes: readonly RatedNode[]): Html =>
  grid({
    caption: 'Since it was started in this process',
    columns: [
      { name: 'node' },
      { name: 'component' },
      { name: 'in', number: true },
      { name: 'out', number: true },
      { name: 'dropped', number: true },
      { name: 'dead', number: true },
      { name: 'a second', number: true },
    ],
    rows: nodes.map(({ id, component, received, emitted, dropped, dead, rate }) => [
      id,
      component,
      received,
      emitted,
      dropped,
      dead,
      rateText(rate),
    ]),
    empty: '',
  })
