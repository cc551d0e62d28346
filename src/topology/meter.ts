/** What passed a node since the pipeline started. */
export interface NodeMeter {
  received: number
  emitted: number
  retried: number
  /** By reason. */
  readonly dropped: Map<string, number>
  /** Dead letters, by fault code. */
  readonly dead: Map<string, number>
}

/** A meter as it can be sent from one thread to another. */
export type MeterReading = Pick<Meter, 'nodes' | 'appended' | 'failedPolls' | 'commits'>

/** Counts per node, for metrics and the live view; the durable truth is the ledger of conservation. */
export class Meter {
  readonly nodes = new Map<string, NodeMeter>()
  /** Per source: records appended by its connector. */
  readonly appended = new Map<string, number>()
  /** Per source: polls that failed. */
  readonly failedPolls = new Map<string, number>()
  commits = 0

  node(id: string): NodeMeter {
    let meter = this.nodes.get(id)
    if (!meter)
      this.nodes.set(id, (meter = { received: 0, emitted: 0, retried: 0, dropped: new Map(), dead: new Map() }))
    return meter
  }
}

/** Beyond so many names, as code of a user's may make them up without end, the rest is counted as "other". */
const mostNames = 100

export const incrementNamed = (counts: Map<string, number>, name: string): void =>
  increment(counts, counts.has(name) || counts.size < mostNames ? name : 'other')

export const increment = (counts: Map<string, number>, name: string, by = 1): void =>
  void counts.set(name, (counts.get(name) ?? 0) + by)

/** What several meters counted together. */
export function sumOfMeters(meters: readonly MeterReading[]): MeterReading {
  const sum = new Meter()
  for (const { nodes, appended, failedPolls, commits } of meters) {
    for (const [id, { received, emitted, retried, dropped, dead }] of nodes) {
      const node = sum.node(id)
      node.received += received
      node.emitted += emitted
      node.retried += retried
      dropped.forEach((count, reason) => increment(node.dropped, reason, count))
      dead.forEach((count, code) => increment(node.dead, code, count))
    }
    appended.forEach((count, source) => increment(sum.appended, source, count))
    failedPolls.forEach((count, source) => increment(sum.failedPolls, source, count))
    sum.commits += commits
  }
  return sum
}
