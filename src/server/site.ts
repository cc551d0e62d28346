import { asyncScheduler } from 'rxjs'
import { createMetrics } from '../monitor/metrics.ts'
import type { RunningPipeline } from '../topology/running.ts'
import { wantsHtml } from './accept.ts'
import { json, text, type Answer } from './answer.ts'
import { apiEndpoints, operationsOf } from './api/api.ts'
import { assetEndpoints } from './assets.ts'
import { groupPage } from './pages/groupPage.ts'
import { letterPage } from './pages/letterPage.ts'
import { letterTopicPages } from './pages/lettersPages.ts'
import { loginEndpoints } from './pages/login.ts'
import { alertsPage, auditPage } from './pages/otherPages.ts'
import { overviewPage } from './pages/overviewPage.ts'
import { mutePages, redrivePages } from './pages/redrivePages.ts'
import { rehearsalPage } from './pages/rehearsalPage.ts'
import { tablePage } from './pages/tablePages.ts'
import { topicPages } from './pages/topicPages.ts'
import { plotRoutes, readablePlots, type PlannedPlot } from './plots/routes.ts'
import type { Endpoint } from './router.ts'
import type { Door } from './security/door.ts'
import type { Users } from './security/users.ts'
import { answerTables } from './tables.ts'
import { veiledTables } from './veiledTables.ts'
import { Topologies } from './workbench/topologies.ts'
import type { Redrives } from './workbench/redrives.ts'
import type { Rehearsals } from './workbench/rehearsals.ts'
import type { Workbench, WorkbenchParts } from './workbench/workbench.ts'

export interface SiteParts extends WorkbenchParts {
  /** What the page plots; nothing when absent. */
  readonly plots?: readonly PlannedPlot[]
  /** Who may come in; when absent, whoever reaches it may do everything. */
  readonly users?: Users
}

/** All that is served. */
export function endpointsOf(
  workbench: Workbench,
  redrives: Redrives,
  rehearsals: Rehearsals,
  parts: SiteParts,
  door: Door | undefined,
): readonly Endpoint[] {
  const { pipelines, plots = [], broker, users, log } = parts
  const topologies = new Topologies(pipelines)
  const readable = readablePlots(plots, broker)
  const shown = { ...parts, plots: readable, topologies }
  const tables = (path: string): Endpoint => ({
    method: 'GET',
    path,
    role: 'view',
    async answer(asked) {
      const whole = await answerTables(asked.request, pipelines, broker, users?.memberToken)
      const told = veiledTables(whole, asked.visitor!.user, workbench)
      return wantsHtml(asked.request) ? tablePage(asked, told) : told
    },
  })
  return [
    {
      method: 'GET',
      path: '/',
      role: 'view',
      answer: ({ request, visitor }) => (wantsHtml(request) ? overviewPage(shown, visitor) : textPage(pipelines)),
    },
    ...machineEndpoints(parts),
    tables('/tables'),
    tables('/tables/*'),
    ...plotRoutes(readable).map(([path, route]): Endpoint => {
      return { method: 'GET', path, role: 'view', answer: ({ request }) => route(request) }
    }),
    ...letterTopicPages(workbench),
    groupPage(workbench),
    letterPage(workbench),
    ...redrivePages(workbench, redrives),
    rehearsalPage(rehearsals),
    ...mutePages(workbench),
    ...topicPages(workbench),
    alertsPage(workbench),
    auditPage(workbench),
    ...apiEndpoints(operationsOf(workbench, topologies, redrives, rehearsals)),
    ...(users && door ? loginEndpoints(users, door, log) : []),
    ...assetEndpoints(),
  ]
}

/** What everybody may ask who reaches the server: whether it is up, and how it does. */
function machineEndpoints({ pipelines, broker, ledger }: SiteParts): readonly Endpoint[] {
  const metrics = createMetrics({ pipelines, broker, ledger, scheduler: asyncScheduler })
  return [
    {
      method: 'GET',
      path: '/metrics',
      answer: async () => ({ status: 200, type: metrics.contentType, body: await metrics.metrics() }),
    },
    { method: 'GET', path: '/healthz', answer: () => json(200, { status: 'up' }) },
    { method: 'GET', path: '/readyz', answer: () => readiness(pipelines) },
  ]
}

async function readiness(pipelines: readonly RunningPipeline[]): Promise<Answer> {
  const told = pipelines.map(async (pipeline) => {
    const { started, troubles } = await pipeline.status()
    const all = started ? troubles : ['not started']
    return all.map((trouble) => ({ pipeline: pipeline.name, trouble }))
  })
  const troubles = (await Promise.all(told)).flat()
  if (troubles.length === 0) return json(200, { status: 'ready' })
  return json(503, { status: 'not ready', troubles })
}

const textPage = (pipelines: readonly RunningPipeline[]): Answer => ({
  ...text(
    200,
    `Oxbow runs ${pipelines.map(({ name }) => name).join(', ') || 'nothing'}.

/          this; in a browser the workbench: what runs, dead letters, topics, tables
/api       the same as JSON; /api/openapi.json describes it
/metrics   metrics for Prometheus
/healthz   200 while the process is up
/readyz    200 when all pipelines run, else 503 and what is wrong
/tables    the state of the pipelines: /tables/STORE has its entries, /tables/STORE/KEY one of them
/plots     what the page plots, as JSON
`,
  ),
  headers: { vary: 'accept' },
})
