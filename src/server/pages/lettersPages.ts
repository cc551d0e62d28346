import type { LetterGroup } from '../../deadletter/ledger/groups.ts'
import { clipped, html, type Html } from '../html.ts'
import type { Endpoint } from '../router.ts'
import { alertsOf, type ShownAlert } from '../workbench/alerts.ts'
import type { WatchedCount, Workbench } from '../workbench/workbench.ts'
import { address, age, grid, sparkline, when } from './grid.ts'
import { pageAnswer } from './layout.ts'
import { section } from './section.ts'

const states = ['new', 'ongoing', 'regressed', 'resolved', 'muted'] as const

/** Dead-letter topics, and their groups. */
export const letterTopicPages = (workbench: Workbench): readonly Endpoint[] => [
  {
    method: 'GET',
    path: '/letters',
    role: 'view',
    async answer({ visitor }) {
      const counts = await workbench.counts()
      const groups = await workbench.groups()
      const alerts = await alertsOf(workbench.parts.pipelines)
      return pageAnswer({
        title: 'Oxbow: dead letters',
        subject: 'Dead letters',
        visitor,
        place: '/letters',
        renewed: true,
        content: html`<h1>Dead letters</h1>
          ${section('topics', 'Topics', html`${warningsOf(counts)}${topicsGrid(counts, groups, alerts)}`, true)}
          ${section('groups', 'Groups', groupsGrid(groups.filter(({ open, redriving }) => open + redriving > 0)), true)}`,
      })
    },
  },
  {
    method: 'GET',
    path: '/groups',
    role: 'view',
    async answer({ visitor, query: { topic, state } }) {
      const groups = await workbench.groups(topic)
      const shown = groups.filter((group) => state === undefined || group.state === state)
      const title = topic === undefined ? 'Groups' : `Groups of ${topic}`
      return pageAnswer({
        title: `Oxbow: ${title}`,
        subject: title,
        visitor,
        place: '/letters',
        renewed: true,
        content: html`<h1>${title}</h1>
          <ul class="choices" aria-label="States">
            ${[undefined, ...states].map((each) => html`<li><a href="${address('/groups', { topic, state: each })}" ${each === state && html` aria-current="true"`}>${each ?? 'all'}</a></li> `)}
          </ul>
          ${topic !== undefined && warningsOf((await workbench.counts()).filter((count) => count.topic === topic))}
          ${section('groups', 'What failed alike', groupsGrid(shown), true)}`,
      })
    },
  },
]

function topicsGrid(
  counts: readonly WatchedCount[],
  groups: readonly LetterGroup[],
  alerts: readonly ShownAlert[],
): Html {
  const now = Date.now()
  return grid({
    caption: 'Dead letters by what became of them; open is their true number, retained what the topic keeps at most',
    columns: [
      { name: 'topic' },
      { name: 'pipeline' },
      { name: 'open', number: true },
      { name: 'last 24 h' },
      { name: 'oldest', number: true },
      { name: 'expire in 24 h', number: true },
      { name: 'redriving', number: true },
      { name: 'resolved', number: true },
      { name: 'discarded', number: true },
      { name: 'retained', number: true },
      { name: 'alerts' },
    ],
    rows: counts.map((count) => [
      html`<a href="${address('/groups', { topic: count.topic })}">${count.topic}</a>`,
      count.pipeline ?? '–',
      count.open,
      sparkline(trendOf(groups.filter(({ topic }) => topic === count.topic))),
      count.oldest === undefined || count.open === 0 ? '–' : age(now - count.oldest),
      count.expiring > 0 ? html`<strong class="bad">${count.expiring}</strong>` : 0,
      count.redriving,
      count.resolved,
      count.discarded,
      count.retained,
      alertsFor(count, alerts),
    ]),
    empty: 'There are no dead-letter topics yet.',
  })
}

/** What topics will do to letters that nobody has dealt with. */
const warningsOf = (counts: readonly WatchedCount[]): Html | false =>
  counts.some(({ warnings }) => warnings.length > 0) &&
  html`<ul class="trouble">
    ${counts.flatMap(({ topic, warnings }) =>
      warnings.map((warning) => html`<li><strong>${topic}</strong>: ${warning}</li> `),
    )}
  </ul>`

const trendOf = (groups: readonly LetterGroup[]): readonly number[] =>
  Array.from({ length: 24 }, (_, hour) => groups.reduce((sum, { trend }) => sum + trend[hour]!, 0))

/** Those of its pipeline: what they wait for, and which of them fire for it. */
function alertsFor({ topic, pipeline }: WatchedCount, alerts: readonly ShownAlert[]): Html | string {
  const own = alerts.filter((alert) => alert.pipeline === pipeline)
  if (own.length === 0) return '–'
  return html`${own.map(({ name, firing }) =>
    firing.some((each) => each.topic === topic)
      ? html`<a class="bad" href="/alerts">fires: ${clipped(name, 40)}</a> `
      : html`<span class="quiet">${clipped(name, 40)}</span> `,
  )}`
}

const groupsGrid = (groups: readonly LetterGroup[]): Html =>
  grid({
    caption: 'Letters that failed alike, those with letters to be dealt with first',
    columns: [
      { name: 'fault' },
      { name: 'state' },
      { name: 'open', number: true },
      { name: 'last 24 h' },
      { name: 'operator' },
      { name: 'topic' },
      { name: 'last' },
    ],
    rows: groups
      .slice(0, 200)
      .map(({ fingerprint, topic, code, message, state, open, trend, operator, last }) => [
        html`<a href="${address(`/groups/${encodeURIComponent(fingerprint)}`, { topic })}">${code || fingerprint}</a>
          <span class="message">${clipped(message.split('\n', 1)[0]!, 120)}</span>`,
        html`<span class="state ${state}">${state}</span>`,
        open,
        sparkline(trend),
        operator,
        topic,
        when(last),
      ]),
    empty: 'Nothing failed.',
  })
