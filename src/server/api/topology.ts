import { z } from 'zod'
import { alertsOf } from '../workbench/alerts.ts'
import type { Topologies } from '../workbench/topologies.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { operation, type Operation } from './operation.ts'
import { count, time } from './shapes.ts'

/** What runs, and what it raises. */
export const topologyOperations = (workbench: Workbench, topologies: Topologies): readonly Operation[] => [
  operation(
    {
      method: 'GET',
      path: '/api/topology',
      role: 'view',
      summary: 'The topologies of the pipelines, with what passes their nodes',
      answer: z.object({
        pipelines: z.array(
          z.object({
            pipeline: z.string(),
            revision: z.string().describe('Of the config.'),
            started: z.boolean(),
            troubles: z.array(z.string()),
            nodes: z.array(node()),
          }),
        ),
      }),
    },
    async () => ({
      pipelines: (await topologies.rated()).map(({ nodes, ...rest }) => ({
        ...rest,
        nodes: nodes.map(({ stream = null, topic = null, ...each }) => ({ ...each, stream, topic })),
      })),
    }),
  ),
  operation(
    {
      method: 'GET',
      path: '/api/alerts',
      role: 'view',
      summary: 'The alerts of the configs, and for which dead-letter topics they fire',
      answer: z.object({
        alerts: z.array(
          z.object({
            pipeline: z.string(),
            name: z.string(),
            condition: z.string().describe('When it fires, in CEL.'),
            firing: z.array(z.object({ topic: z.string(), since: time(), size: count() })),
          }),
        ),
      }),
    },
    async () => ({ alerts: await alertsOf(workbench.parts.pipelines) }),
  ),
]

function node() {
  return z.object({
    id: z.string(),
    kind: z.enum(['source', 'operator', 'sink']),
    component: z.string(),
    subtopology: count(),
    stream: z.string().nullable(),
    topic: z.string().nullable(),
    from: z.array(z.string()),
    to: z.array(z.string()),
    deadLetters: z.array(z.string()),
    received: count().describe('Since it started; of this process alone, as are the others.'),
    emitted: count(),
    dropped: count(),
    dead: count(),
    rate: z.number().min(0).describe('Records a second that come in.'),
  })
}
