import { describePlan, type DescribedNode } from '../../topology/describe.ts'
import type { RunningPipeline } from '../../topology/running.ts'
import { Rates, type NodeRate } from './rates.ts'

/** A node of a pipeline’s topology, and what passed it. */
export interface RatedNode extends DescribedNode, NodeRate {
  readonly subtopology: number
}

export interface RatedTopology {
  readonly pipeline: string
  readonly revision: string
  readonly started: boolean
  readonly troubles: readonly string[]
  readonly nodes: readonly RatedNode[]
}

const none: NodeRate = { received: 0, emitted: 0, dropped: 0, dead: 0, rate: 0 }

/** Tells the topologies of pipelines, with what passes their nodes. */
export class Topologies {
  readonly #pipelines: readonly { readonly pipeline: RunningPipeline; readonly rates: Rates }[]

  constructor(pipelines: readonly RunningPipeline[]) {
    this.#pipelines = pipelines.map((pipeline) => ({ pipeline, rates: new Rates() }))
  }

  async rated(): Promise<readonly RatedTopology[]> {
    return Promise.all(
      this.#pipelines.map(async ({ pipeline, rates }) => {
        const { revision, subtopologies } = describePlan(pipeline.plan)
        const { started, troubles, meter } = await pipeline.status()
        const known = rates.of(meter, Date.now())
        const appended = (id: string) => {
          const count = meter.appended.get(id)
          return count === undefined ? {} : { received: count, emitted: count }
        }
        const nodes = subtopologies.flatMap(({ id: subtopology, nodes: own }) =>
          own.map((node) => ({ ...node, subtopology, ...none, ...appended(node.id), ...known.get(node.id) })),
        )
        return { pipeline: pipeline.name, revision, started, troubles, nodes }
      }),
    )
  }
}
