import { read } from '../api/operation.ts'
import { cursor, cursorOf } from '../api/shapes.ts'
import { clipped, html, type Html, type HtmlValue } from '../html.ts'
import type { Endpoint } from '../router.ts'
import type { AuditEntry } from '../../deadletter/ledger/audit.ts'
import { alertsOf } from '../workbench/alerts.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { address, grid, nextPage, when } from './grid.ts'
import { pageAnswer } from './layout.ts'
import { section } from './section.ts'

/** What fires for which dead-letter topics. */
export const alertsPage = (workbench: Workbench): Endpoint => ({
  method: 'GET',
  path: '/alerts',
  role: 'view',
  async answer({ visitor }) {
    const alerts = await alertsOf(workbench.parts.pipelines)
    const rows = alerts.flatMap(({ pipeline, name, condition, firing }) => {
      const quiet = [[name, pipeline, condition, html`<span class="well">quiet</span>`, '–', '–']]
      const firingRows = firing.map(({ topic, since, size }) => [
        name,
        pipeline,
        condition,
        html`<a class="bad" href="/groups?topic=${topic}">fires for ${topic}</a>`,
        when(since),
        size,
      ])
      return firing.length === 0 ? quiet : firingRows
    })
    return pageAnswer({
      title: 'Oxbow: alerts',
      subject: 'Alerts',
      visitor,
      place: '/alerts',
      renewed: true,
      content: html`<h1>Alerts</h1>
        ${section(
          'alerts',
          'Of the configs',
          grid({
            caption: 'As the monitors remember them; size is that of the last notice',
            columns: [
              { name: 'alert' },
              { name: 'pipeline' },
              { name: 'when' },
              { name: 'is' },
              { name: 'since' },
              { name: 'size', number: true },
            ],
            rows,
            empty: 'No config has alerts: `monitor: { alerts: … }`.',
          }),
          true,
        )}`,
    })
  },
})

const entriesShown = 100

/** Who said what of letters, and decided what about groups, the newest first. */
export const auditPage = (workbench: Workbench): Endpoint => ({
  method: 'GET',
  path: '/audit',
  role: 'view',
  async answer({ visitor, query }) {
    await workbench.follow()
    const after = query['after'] === undefined ? undefined : read(cursor(), query['after'], 400, 'as "after"')
    const { entries, next } = workbench.parts.ledger.audit(entriesShown, after && { at: after[0], number: after[1] })
    return pageAnswer({
      title: 'Oxbow: audit',
      subject: 'Audit',
      visitor,
      place: '/audit',
      renewed: true,
      content: html`<h1>Audit</h1>
        ${section(
          'entries',
          'What was said of letters and groups',
          html`${grid({
            caption: 'The newest first',
            columns: [
              { name: 'at' },
              { name: 'by' },
              { name: 'letter or group' },
              { name: 'became' },
              { name: 'why' },
              { name: 'redrive' },
            ],
            rows: entries.map((said) => [when(said.at), said.by, ...outcomeOf(said)]),
            empty: 'Nobody has said anything yet.',
          })}
          ${next && nextPage('/audit', { after: cursorOf(next.at, next.number) })}`,
          true,
        )}`,
    })
  },
})

/** What an entry speaks of, what became of that, why, and in which redrive. */
function outcomeOf(said: AuditEntry): readonly HtmlValue[] {
  if ('group' in said) {
    const { topic, group, to, why } = said
    const became = typeof to === 'object' ? html`merged into ${groupLink(topic, to.mergedInto)}` : to
    return [html`group ${groupLink(topic, group)}`, became, why, '–']
  }
  const { letter, to, why, redrive } = said
  return [
    html`<a href="/letters/${encodeURIComponent(letter)}">${clipped(letter, 40)}</a>`,
    to,
    why,
    redrive === undefined ? '–' : html`<a href="/redrives/${encodeURIComponent(redrive)}">${clipped(redrive, 13)}</a>`,
  ]
}

const groupLink = (topic: string, group: string): Html =>
  html`<a href="${address(`/groups/${encodeURIComponent(group)}`, { topic })}">${clipped(group, 40)}</a>`
