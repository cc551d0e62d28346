import { read } from '../api/operation.ts'
import { rehearsalBody, rehearsalOf, told, type ToldGroup } from '../api/rehearsals.ts'
import { clipped, html, type Html } from '../html.ts'
import { pairsIn, type Endpoint } from '../router.ts'
import type { Rehearsals } from '../workbench/rehearsals.ts'
import { payload } from './bytes.ts'
import { grid } from './grid.ts'
import { pageAnswer } from './layout.ts'
import { placeOf, wantedIn } from './redrivePages.ts'
import { section } from './section.ts'

/** What would become of letters, by a form; scripts show the section of it where it was asked for. */
export const rehearsalPage = (rehearsals: Rehearsals): Endpoint => ({
  method: 'POST',
  path: '/rehearsals',
  role: 'operate',
  brings: 'form',
  async answer({ visitor, body }) {
    const { to, valueText, ...fields } = pairsIn(body.toString())
    const asked = { ...wantedIn(fields), to, ...(valueText !== undefined && { fix: { valueText } }) }
    const order = rehearsalOf(read(rehearsalBody(), asked, 422, 'in the form'))
    const rehearsal = told(await rehearsals.rehearse(visitor!.user, order))
    return pageAnswer({
      title: 'Oxbow: rehearsal',
      subject: 'Nothing was changed',
      visitor,
      place: '/letters',
      content: html`<h1>Rehearsal</h1>
        ${section('rehearsal', 'What would become of them', outcomes(rehearsal))}
        <p><a href="${placeOf(fields)}">Back</a></p>`,
    })
  },
})

/** Of so many groups examples are shown. */
const mostGroups = 20

function outcomes({ pipeline, revision, letters, whole, groups }: ReturnType<typeof told>): Html {
  const count = letters === 1 ? '1 letter' : `${whole ? '' : 'The first '}${letters.toLocaleString('en-US')} letters`
  const columns = ['letters', 'passes', 'same fault', 'new fault', 'refused', 'held']
  return html`<p>
      ${count} with the config revision ${revision} of ${pipeline}, as it is known here. Nothing was sent or written.
    </p>
    ${grid({
      caption: 'What would become of the letters',
      columns: [{ name: 'group' }, ...columns.map((name) => ({ name, number: true as const }))],
      rows: groups.map(({ fingerprint, code, passes, sameFault, newFault, refused, held, letters: all }) => [
        html`<a href="/groups/${encodeURIComponent(fingerprint)}">${clipped(code || fingerprint, 60)}</a>`,
        ...[all, passes, sameFault, newFault, refused, held],
      ]),
      empty: 'There are no open letters to rehearse.',
    })}
    ${groups.slice(0, mostGroups).flatMap(({ message, examples }) => examples.map((each) => exampleOf(message, each)))}`
}

function exampleOf(message: string, { letter, outcome, ...example }: ToldGroup['examples'][number]): Html {
  return html`<h3>${said[outcome]}: <a href="/letters/${encodeURIComponent(letter)}">${clipped(letter, 40)}</a></h3>
    ${outcome === 'passes' ? outputsOf(example) : html`<pre tabindex="0" aria-label="Why">${reasonOf(message, example)}</pre>`}`
}

const said = {
  passes: 'Passes',
  'same fault': 'Fails as before',
  'new fault': 'Fails in a new way',
  refused: 'Cannot be sent back',
  held: 'Is held by an operator',
}

type Example = Pick<ToldGroup['examples'][number], 'failed' | 'why' | 'outputs' | 'more'>

/** The old message, and the new one where there is one. */
function reasonOf(message: string, { failed, why }: Example): string {
  const now = failed ? `+ ${failed.operator}, ${failed.code}: ${failed.message}` : why && `+ ${why}`
  return clipped([`- ${message}`, now].filter(Boolean).join('\n'), 4_000)
}

function outputsOf({ outputs, more }: Example): Html {
  if (outputs.length === 0) return html`<p class="quiet">Nothing is written for it.</p>`
  return html`${outputs.map(
    ({ sink, value }) =>
      html`<p class="quiet">${sink}</p>
        ${payload(value)}`,
  )}
  ${more !== undefined && html`<p class="note">And ${more} more.</p>`}`
}
