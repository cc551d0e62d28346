import { read } from '../api/operation.ts'
import { letterId } from '../api/shapes.ts'
import { wholeLetter } from '../api/letters.ts'
import { html } from '../html.ts'
import type { Endpoint } from '../router.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { actions } from './actions.ts'
import { hexDump, inLine, payload } from './bytes.ts'
import { facts, grid, when } from './grid.ts'
import { pageAnswer } from './layout.ts'
import { meantBy } from './meant.ts'
import { section } from './section.ts'

/** One letter, with all that is known of it. */
export const letterPage = (workbench: Workbench): Endpoint => ({
  method: 'GET',
  path: '/letters/{id}',
  role: 'view',
  async answer({ visitor, params }) {
    const found = await workbench.letter(read(letterId(), params['id'], 404, 'in the path'))
    const letter = wholeLetter(workbench, found, visitor!.user)
    const { id, fault, disposition, value, headers, history, origin, hex, input, group } = letter
    const meant = meantBy(workbench, { letter: id, topic: letter.topic }, found.letter)
    return pageAnswer({
      title: `Oxbow: letter ${id}`,
      subject: `Letter ${id}`,
      visitor,
      place: '/letters',
      content: html`<h1>${fault.code || 'Letter'}</h1>
        ${section(
          'about',
          'What failed',
          html`<pre tabindex="0" aria-label="Message">${fault.message}</pre>
            ${facts([
              ['is', html`<span class="state ${disposition}">${disposition}</span>`],
              ['group', html`<a href="/groups/${encodeURIComponent(group)}?topic=${letter.topic}">${group}</a>`],
              ['operator', letter.operator],
              ['source', `${letter.source} in ${letter.pipeline}, config revision ${letter.revision}`],
              ['key', inLine(letter.key, 200)],
              ['failed', when(letter.failedAt)],
              ['first', when(letter.firstFailedAt)],
              ['tries', `${letter.attempts} (${letter.asked})`],
              ['sent back', `${letter.hops}×`],
              [
                'origin',
                html`<a href="/topics/${origin.topic}?partition=${origin.partition}&from=${origin.offset}"
                  >${origin.topic}/${origin.partition}/${origin.offset}</a
                >`,
              ],
              ['letter', `${letter.topic}/${letter.partition}/${letter.offset}`],
            ])}`,
        )}
        ${section('payload', 'Value', payload(value, fault.message))}
        ${input !== null && section('input', 'What the operator was given', payload({ size: input.length, text: input }, fault.message))}
        ${section('act', 'What to do', actions(visitor!, { letter: id, meant, disposition, ...(value?.text !== undefined && !value.cut && { value: value.text }) }))}
        ${section(
          'history',
          'History',
          grid({
            caption: 'What was said of it, the first entry first',
            columns: [{ name: 'at' }, { name: 'became' }, { name: 'by' }, { name: 'why' }, { name: 'redrive' }],
            rows: history.map(({ at, to, by, why, redrive }) => [
              when(at),
              to,
              by,
              why,
              redrive === null ? '–' : html`<a href="/redrives/${encodeURIComponent(redrive)}">${redrive}</a>`,
            ]),
            empty: 'Nobody has said anything of it yet.',
          }),
        )}
        ${section(
          'headers',
          'Headers',
          grid({
            caption: 'Of the source record, in their order',
            columns: [{ name: 'name' }, { name: 'value' }],
            rows: headers.map(([name, bytes]) => [name, inLine(bytes, 500)]),
            empty: 'It has none.',
          }),
        )}
        ${section(
          'bytes',
          'Stack and bytes',
          html`<details id="stack">
              <summary>Stack</summary>
              <pre tabindex="0" aria-label="Stack">${fault.stack}</pre>
            </details>
            <details id="hex">
              <summary>Bytes of the value</summary>
              ${hex === null ? html`<p class="quiet">There are none to show.</p>` : html`<pre tabindex="0" aria-label="Bytes">${hexDump(hex)}</pre>`}
            </details>`,
        )}`,
    })
  },
})
