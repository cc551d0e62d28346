import type { Log } from '../../component/context.ts'
import type { Ledger } from '../../deadletter/ledger/ledger.ts'
import type { RunningPipeline } from '../../topology/running.ts'
import type { Answer } from '../answer.ts'
import { html, type Html } from '../html.ts'
import { figures } from '../plots/figures.ts'
import type { ReadablePlot } from '../plots/routes.ts'
import type { Visitor } from '../security/visitor.ts'
import type { Topologies } from '../workbench/topologies.ts'
import { topologyGraph } from './graph.ts'
import { pageAnswer } from './layout.ts'
import { conservation, deadLetters, health } from './overview.ts'

export interface PageParts {
  readonly pipelines: readonly RunningPipeline[]
  readonly plots: readonly ReadablePlot[]
  readonly topologies: Topologies
  readonly ledger: Ledger
  readonly log: Log
}

/** A part of the page, which is renewed by itself. */
interface Part {
  readonly id: string
  readonly title: string
  /** Whether a screen reader is told when it changes. */
  readonly live?: true
  show(): Promise<Html>
}

/** The page that shows all at one look; what it is made of is read anew each time. */
export async function overviewPage(parts: PageParts, visitor: Visitor | undefined): Promise<Answer> {
  const names = parts.pipelines.map(({ name }) => name).join(', ') || 'nothing'
  const sections = await Promise.all(partsOf(parts).map((part) => section(part, parts.log)))
  return pageAnswer({
    title: `Oxbow: ${names}`,
    subject: `runs ${names}`,
    visitor,
    place: '/',
    renewed: true,
    content: html`<h1 class="unseen">Overview</h1>
      ${sections}`,
  })
}

function partsOf({ pipelines, plots, topologies, ledger }: PageParts): readonly Part[] {
  const drawn: Part = {
    id: 'plots',
    title: 'Plots',
    show: async () =>
      html`${await Promise.all(plots.map(async ({ plot, read }, at) => figures(plot, at, await read())))}`,
  }
  return [
    { id: 'health', title: 'Health', live: true, show: () => health(pipelines) },
    { id: 'letters', title: 'Dead letters', show: () => deadLetters(pipelines, ledger, Date.now()) },
    ...(plots.length > 0 ? [drawn] : []),
    { id: 'records', title: 'Records', show: () => conservation(pipelines) },
    {
      id: 'topology',
      title: 'Topology',
      show: async () => html`${(await topologies.rated()).map(topologyGraph)}`,
    },
  ]
}

/** What cannot be shown says so in its place: the others still are. */
async function section({ id, title, live, show }: Part, log: Log): Promise<Html> {
  const shown = await show().catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    log.warn({ part: id, error }, `${title} of the page could not be shown: ${message}`)
    return html`<p class="trouble">This could not be read; the log says why.</p>`
  })
  return html`<section id="${id}" aria-labelledby="${id}-title" data-renewed${live && html` aria-live="polite"`}>
    <h2 id="${id}-title">${title}</h2>
    ${shown}
  </section> `
}
