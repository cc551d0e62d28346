import type { Letter } from '../../deadletter/readLetter.ts'
import { html, type Html } from '../html.ts'
import { takersOf } from '../workbench/order.ts'
import type { Workbench } from '../workbench/workbench.ts'

/** The letters that a form is about. */
export type Meant = ({ readonly letter: string } | { readonly group: string }) & { readonly topic: string }

/** What a form says of which letters are meant. Where the pipeline that wrote them is not known here, somebody has to say which takes them. */
export function meantBy(
  workbench: Workbench,
  { topic, ...which }: Meant,
  { pipeline, convention }: Pick<Letter, 'pipeline' | 'convention'>,
): Html {
  const hidden = Object.entries({ ...which, topic }).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  )
  const takers = takersOf(workbench, { pipeline, topic })
  if (takers.length === 0) return html`${hidden}`
  return html`${hidden}
    <label
      >Pipeline that takes them
      <select name="pipeline" required>
        ${takers.length > 1 && html`<option value="">choose one</option>`}
        ${takers.map((name) => html`<option value="${name}">${name}</option>`)}
      </select></label
    >
    ${
      convention === 'oxbow' &&
      html`<label class="check"
        ><input type="checkbox" name="formerly" value="${pipeline}" required /> It was called ${pipeline} before</label
      >`
    }`
}
