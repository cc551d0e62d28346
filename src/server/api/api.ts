import { readFileSync } from 'node:fs'
import { json } from '../answer.ts'
import type { Endpoint } from '../router.ts'
import type { Redrives } from '../workbench/redrives.ts'
import type { Rehearsals } from '../workbench/rehearsals.ts'
import type { Topologies } from '../workbench/topologies.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { auditOperations } from './audit.ts'
import { groupOperations } from './groups.ts'
import { letterOperations } from './letters.ts'
import { openApi } from './openapi.ts'
import type { Operation } from './operation.ts'
import { redriveOperations } from './redrives.ts'
import { rehearsalOperation } from './rehearsals.ts'
import { topicOperations } from './topics.ts'
import { topologyOperations } from './topology.ts'

export const operationsOf = (
  workbench: Workbench,
  topologies: Topologies,
  redrives: Redrives,
  rehearsals: Rehearsals,
): readonly Operation[] => [
  ...groupOperations(workbench),
  ...letterOperations(workbench),
  ...topicOperations(workbench),
  ...topologyOperations(workbench, topologies),
  ...redriveOperations(workbench, redrives),
  rehearsalOperation(rehearsals),
  ...auditOperations(workbench),
]

/** What answers under `/api`, its description included. */
export function apiEndpoints(operations: readonly Operation[]): readonly Endpoint[] {
  const description = json(200, openApi(operations, version()))
  return [
    { method: 'GET', path: '/api/openapi.json', role: 'view', answer: () => description },
    ...operations.map(({ endpoint }) => endpoint),
  ]
}

function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
