import type { IndexedLetter } from '../../deadletter/ledger/letters.ts'
import { read } from '../api/operation.ts'
import { cursor, cursorOf } from '../api/shapes.ts'
import { clipped, html, type Html } from '../html.ts'
import type { Endpoint } from '../router.ts'
import { causesFor } from '../workbench/causes.ts'
import { shownBytes } from '../workbench/shown.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { actions } from './actions.ts'
import { inLine } from './bytes.ts'
import { facts, grid, nextPage, sparkline, when } from './grid.ts'
import { pageAnswer } from './layout.ts'
import { meantBy } from './meant.ts'
import { section } from './section.ts'

const lettersShown = 50

/** What failed alike: whom it is of, and the letters. */
export const groupPage = (workbench: Workbench): Endpoint => ({
  method: 'GET',
  path: '/groups/{fingerprint}',
  role: 'view',
  async answer({ visitor, params, query }) {
    const group = await workbench.group(params['fingerprint']!, query['topic'])
    const { ledger } = workbench.parts
    const after = query['after'] === undefined ? undefined : read(cursor(), query['after'], 400, 'as "after"')
    const choice = { topic: group.topic, fingerprint: group.fingerprint }
    const page = ledger.page(choice, lettersShown, after && { failedAt: after[0], number: after[1] })
    const causes = await causesFor(workbench, group, visitor!.user)
    const [latest] = ledger.page(choice, 1).letters
    const example = latest && (await workbench.read(latest))
    const meant = meantBy(
      workbench,
      { group: group.fingerprint, topic: group.topic },
      example ?? { ...group, convention: 'oxbow' },
    )
    const affected = ledger.affected(group.topic, group.fingerprint)
    const { code, message, state, open, redriving, resolved, discarded, expired, first, last, trend } = group
    const path = `/groups/${encodeURIComponent(group.fingerprint)}`
    return pageAnswer({
      title: `Oxbow: ${code || group.fingerprint}`,
      subject: `Group ${group.fingerprint}`,
      visitor,
      place: '/letters',
      renewed: true,
      content: html`<h1>${code || 'Group'}</h1>
        ${section(
          'about',
          'What failed',
          html`<pre tabindex="0" aria-label="Message">${clipped(message, 2_000)}</pre>
            ${facts([
              ['state', html`<span class="state ${state}">${state}</span>`],
              ['open', open],
              ['sent back, not known yet', redriving],
              ['resolved', resolved],
              ['discarded', discarded],
              ['expired', expired],
              ['operator', group.operator],
              ['topic', html`<a href="/groups?topic=${group.topic}">${group.topic}</a>`],
              ['pipeline', group.pipeline],
              ['first', when(first)],
              ['last', when(last)],
              ['last 24 h', sparkline(trend)],
            ])}`,
          true,
        )}
        ${
          causes.length > 0 &&
          section(
            'causes',
            'Perhaps',
            html`<ul>
              ${causes.map((text) => html`<li>${text}</li>`)}
            </ul>`,
            true,
          )
        }
        ${section('act', 'What to do', actions(visitor!, { group: group.fingerprint, topic: group.topic, meant, open, isMuted: state === 'muted' }))}
        ${section('affected', `Whom it is of (the latest ${affected.letters})`, affectedLists(affected), true)}
        ${section(
          'letters',
          'Letters',
          html`${lettersGrid(page.letters)}
          ${page.next && nextPage(path, { topic: group.topic, after: cursorOf(page.next.failedAt, page.next.number) })}`,
          true,
        )}`,
    })
  },
})

function affectedLists({ keys, sources, revisions }: ReturnType<Workbench['parts']['ledger']['affected']>): Html {
  const list = (title: string, entries: readonly (readonly [name: Html | string, letters: number])[]) =>
    html`<div>
      <h3>${title}</h3>
      <ul>
        ${entries.map(([name, letters]) => html`<li>${name} <span class="quiet">×${letters}</span></li> `)}
      </ul>
    </div>`
  return html`<div class="lists">
    ${list(
      'Keys',
      keys.map(({ key, letters }) => [inLine(key && shownBytes(key, 256)), letters] as const),
    )}
    ${list(
      'Sources',
      sources.map(({ name, letters }) => [name, letters] as const),
    )}
    ${list(
      'Config revisions',
      revisions.map(({ name, letters }) => [name, letters] as const),
    )}
  </div>`
}

const lettersGrid = (letters: readonly IndexedLetter[]): Html =>
  grid({
    caption: 'Letters, those that failed last first',
    columns: [
      { name: 'letter' },
      { name: 'is' },
      { name: 'key' },
      { name: 'failed' },
      { name: 'sent back', number: true },
      { name: 'place' },
    ],
    rows: letters.map(({ id, disposition, key, failedAt, hops, topic, partition, offset }) => [
      html`<a href="/letters/${encodeURIComponent(id)}">${clipped(id, 40)}</a>`,
      html`<span class="state ${disposition}">${disposition}</span>`,
      inLine(key && shownBytes(key, 256), 40),
      when(failedAt),
      `${hops}×`,
      `${topic}/${partition}/${offset}`,
    ]),
    empty: 'Its topic keeps none of its letters any more.',
  })
