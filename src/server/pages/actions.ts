import type { Disposition } from '../../deadletter/ledger/entry.ts'
import { html, type Html } from '../html.ts'
import { may } from '../security/users.ts'
import type { Visitor } from '../security/visitor.ts'
import { form } from './layout.ts'

/** What is acted on: a group or a letter, as forms say it. */
export type Target = { readonly meant: Html } & (
  | { readonly group: string; readonly topic: string; readonly open: number; readonly isMuted: boolean }
  | { readonly letter: string; readonly disposition: Disposition; readonly value?: string }
)

/** What somebody may do about letters: send them back, as they are or changed, give them up, or open them again. */
export function actions(visitor: Visitor, target: Target): Html {
  if (!may(visitor.user, 'operate')) return html`<p class="note">Sending back and discarding need the role operate.</p>`
  const muting = 'group' in target ? muteForm(visitor, target) : undefined
  const isOpen = 'group' in target ? target.open > 0 : target.disposition === 'open'
  if (!isOpen)
    return html`<p class="note">There is nothing open to send back or to discard.</p>
      <div class="actions">
        ${'letter' in target && isClosed(target) && reopenForm(visitor, target.meant)} ${muting}
      </div>`
  const { meant: which } = target
  return html`<div class="actions">
      ${redriveForm(visitor, which, 'group' in target)}
      ${'value' in target && may(visitor.user, 'edit') && editForm(visitor, which, target.value)}
      ${discardForm(visitor, which, 'group' in target ? target.open : 1)} ${muting}
    </div>
    <p id="rehearsing" role="status"></p>
    <div id="rehearsed"></div>`
}

const isClosed = ({ disposition }: { readonly disposition: Disposition }): boolean =>
  disposition === 'resolved' || disposition === 'discarded'

const why = html`<label>Why <input name="why" required maxlength="500" autocomplete="off" /></label>`

const where = html`<label
  >To
  <select name="to">
    <option value="operator">what failed</option>
    <option value="source">the source: all steps again</option>
  </select></label
>`

/** It needs no reason: nothing is changed. */
const rehearse = html`<button formaction="/rehearsals" formnovalidate>Rehearse</button>`

function redriveForm(visitor: Visitor, which: Html, several: boolean): Html {
  const pace = html`<label>Letters a second, at most <input name="rate" type="number" min="1" max="1000000" /></label>
    <label
      >So many first, the others when those have passed <input name="canary" type="number" min="1" max="1000"
    /></label>`
  return html`<section aria-labelledby="redrive-title">
    <h3 id="redrive-title">Send back</h3>
    ${form(
      '/redrives',
      visitor,
      html`${which} ${where} ${several && pace} ${why}
        <p>
          <button name="do" value="forecast">What would be sent?</button>
          ${rehearse}
          <button name="do" value="start">Send back</button>
        </p>`,
    )}
  </section>`
}

function editForm(visitor: Visitor, which: Html, value = ''): Html {
  return html`<section aria-labelledby="edit-title">
    <h3 id="edit-title">Send back with another value</h3>
    ${form(
      '/redrives',
      visitor,
      html`${which}<input type="hidden" name="to" value="source" />
        <label>Value <textarea name="valueText" rows="8" spellcheck="false">${value}</textarea></label>
        ${why}
        <p>${rehearse} <button name="do" value="start">Send this back</button></p>`,
    )}
    <p class="note">The letter keeps what it has; what fails again comes back to it.</p>
  </section>`
}

function muteForm(visitor: Visitor, { group, topic, isMuted }: Extract<Target, { readonly group: string }>): Html {
  const [action, name] = isMuted ? ['unmute', 'Unmute'] : ['mute', 'Mute']
  return html`<section aria-labelledby="mute-title">
    <h3 id="mute-title">${name}</h3>
    ${form(
      `/groups/${encodeURIComponent(group)}/${action}`,
      visitor,
      html`<input type="hidden" name="topic" value="${topic}" /> ${why}
        <p><button>${name}</button></p>`,
    )}
    <p class="note">A muted group raises no alerts of its own.</p>
  </section>`
}

function reopenForm(visitor: Visitor, which: Html): Html {
  return html`<section aria-labelledby="reopen-title">
    <h3 id="reopen-title">Open again</h3>
    ${form(
      '/reopen',
      visitor,
      html`${which} ${why}
        <p><button>Open again</button></p>`,
    )}
    <p class="note">It can be sent back then: its record is processed once more, whatever was made of it before.</p>
  </section>`
}

function discardForm(visitor: Visitor, which: Html, open: number): Html {
  const letters = open === 1 ? 'this letter' : `these ${open.toLocaleString('en-US')} letters`
  return html`<section aria-labelledby="discard-title">
    <h3 id="discard-title">Discard</h3>
    ${form(
      '/discard',
      visitor,
      html`${which} ${why}
        <label class="check"><input type="checkbox" name="sure" value="yes" required /> Give ${letters} up</label>
        <p><button>Discard</button></p>`,
    )}
  </section>`
}
