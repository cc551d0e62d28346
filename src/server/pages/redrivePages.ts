import { seeOther } from '../answer.ts'
import { read } from '../api/operation.ts'
import { orderBody, orderOf, wantedBody, wantedOf } from '../api/redrives.ts'
import type { KnownRedrive } from '../../deadletter/ledger/audit.ts'
import { reason } from '../api/shapes.ts'
import { clipped, html, type Html } from '../html.ts'
import { Problem } from '../problem.ts'
import { pairsIn, type Endpoint } from '../router.ts'
import { may } from '../security/users.ts'
import type { Visitor } from '../security/visitor.ts'
import { discard } from '../workbench/discard.ts'
import { mute } from '../workbench/mute.ts'
import { reopen } from '../workbench/reopen.ts'
import { checkOrder, forecastOf, partsFor, type Forecast } from '../workbench/order.ts'
import type { Progress, Redrives } from '../workbench/redrives.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { address, facts, grid, when } from './grid.ts'
import { form, pageAnswer } from './layout.ts'
import { section } from './section.ts'

/** Sending back, giving up and opening again, by forms. */
export const redrivePages = (workbench: Workbench, redrives: Redrives): readonly Endpoint[] => [
  {
    method: 'GET',
    path: '/redrives',
    role: 'view',
    async answer({ visitor }) {
      return pageAnswer({
        title: 'Oxbow: redrives',
        subject: 'Redrives',
        visitor,
        place: '/redrives',
        renewed: true,
        content: html`<h1>Redrives</h1>
          ${section('redrives', 'Started here', redrivesGrid(await redrives.list()), true)}
          ${section('elsewhere', 'Started elsewhere', elsewhereGrid(await redrives.elsewhere()), true)}`,
      })
    },
  },
  {
    method: 'GET',
    path: '/redrives/{id}',
    role: 'view',
    async answer({ visitor, params }) {
      const progress = await redrives.find(params['id']!)
      return pageAnswer({
        title: `Oxbow: redrive ${progress.state}`,
        subject: `Redrive ${progress.id}`,
        visitor,
        place: '/redrives',
        renewed: true,
        content: html`<h1>Redrive</h1>
          ${section('progress', 'Progress', progressOf(progress, visitor!), true)}`,
      })
    },
  },
  {
    method: 'POST',
    path: '/redrives',
    role: 'operate',
    brings: 'form',
    async answer({ visitor, body }) {
      const { do: wish, 'form-token': _, ...fields } = pairsIn(body.toString())
      const { user } = visitor!
      const order = orderOf(read(orderBody(), orderIn(fields), 422, 'in the form'))
      if (wish !== 'forecast') return seeOther(`/redrives/${await redrives.start(user, order)}`)
      checkOrder(user, order)
      const told = await forecastOf(await partsFor(workbench, order.wanted), order)
      return forecastPage(visitor!, fields, told)
    },
  },
  ...(['pause', 'resume', 'stop'] as const).map((action): Endpoint => ({
    method: 'POST',
    path: `/redrives/{id}/${action}`,
    role: 'operate',
    brings: 'form',
    async answer({ visitor, params }) {
      await redrives[action](params['id']!, visitor!.user)
      return seeOther(`/redrives/${encodeURIComponent(params['id']!)}`)
    },
  })),
  {
    method: 'POST',
    path: '/discard',
    role: 'operate',
    brings: 'form',
    async answer({ visitor, body }) {
      const { sure, why, 'form-token': _, ...fields } = pairsIn(body.toString())
      if (sure !== 'yes') throw new Problem(422, 'Say that you are sure: nothing was discarded.')
      const { why: reason, ...which } = read(wantedBody(), { ...wantedIn(fields), why }, 422, 'in the form')
      await discard(workbench, visitor!.user, wantedOf(which), reason)
      return seeOther(placeOf(fields))
    },
  },
  {
    method: 'POST',
    path: '/reopen',
    role: 'operate',
    brings: 'form',
    async answer({ visitor, body }) {
      const { why, 'form-token': _, ...fields } = pairsIn(body.toString())
      const { why: reason, ...which } = read(wantedBody(), { ...wantedIn(fields), why }, 422, 'in the form')
      await reopen(workbench, visitor!.user, wantedOf(which), reason)
      return seeOther(placeOf(fields))
    },
  },
]

/** A group that is to be quiet, or to be heard again. */
export const mutePages = (workbench: Workbench): readonly Endpoint[] =>
  (['mute', 'unmute'] as const).map((action) => ({
    method: 'POST',
    path: `/groups/{fingerprint}/${action}`,
    role: 'operate',
    brings: 'form',
    async answer({ visitor, params, body }) {
      const fingerprint = params['fingerprint']!
      const { topic, why: said } = pairsIn(body.toString())
      const why = read(reason(), said, 422, 'as "why"')
      await mute(workbench, visitor!.user, { fingerprint, topic }, { to: `${action}d`, why })
      return seeOther(placeOf({ group: fingerprint, topic }))
    },
  }))

export type Fields = { readonly [name: string]: string | undefined }

/** The page that a form stood on. */
export const placeOf = ({ letter, group = '', topic }: Fields): string =>
  letter === undefined
    ? address(`/groups/${encodeURIComponent(group)}`, { topic })
    : `/letters/${encodeURIComponent(letter)}`

/** The letters that a form means, as the API takes them. */
export const wantedIn = ({ letter, group, topic, pipeline, formerly }: Fields): object => ({
  ...(letter === undefined ? { group } : { letters: [letter] }),
  ...{ topic, formerly },
  pipeline: pipeline === '' ? undefined : pipeline,
})

/** What a form says, as the API takes it; what was left empty is left out. */
function orderIn({ to, rate, canary, why, valueText, ...fields }: Fields): object {
  const number = (text: string | undefined) => (text === undefined || text === '' ? undefined : Number(text))
  return {
    ...wantedIn(fields),
    ...{ to, why, rate: number(rate), canary: number(canary) },
    ...(valueText !== undefined && { fix: { valueText } }),
  }
}

function forecastPage(visitor: Visitor, fields: Fields, { sent, refused }: Forecast) {
  const kept = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  )
  return pageAnswer({
    title: 'Oxbow: what would be sent',
    subject: 'Nothing was sent yet',
    visitor,
    place: '/redrives',
    content: html`<h1>What would be sent</h1>
      <p>${sent === 1 ? '1 letter' : `${sent.toLocaleString('en-US')} letters`} would go back. Why: ${fields['why']}</p>
      ${refusals(refused)}
      ${sent > 0 && form('/redrives', visitor, html`${kept}<button name="do" value="start">Send back</button>`)}
      <p><a href="${placeOf(fields)}">Back</a></p>`,
  })
}

const refusals = (refused: Forecast['refused']): Html | undefined =>
  refused.length === 0
    ? undefined
    : grid({
        caption: 'Letters that stay where they are',
        columns: [{ name: 'why' }, { name: 'letters', number: true }],
        rows: refused.map(({ why, letters }) => [why, letters]),
        empty: '',
      })

const redrivesGrid = (all: readonly Progress[]): Html =>
  grid({
    caption: 'Those that were started here since this process runs; the audit has all of them',
    columns: [
      { name: 'redrive' },
      { name: 'is' },
      { name: 'sent', number: true },
      { name: 'resolved', number: true },
      { name: 'dead again', number: true },
      { name: 'by' },
      { name: 'why' },
      { name: 'at' },
    ],
    rows: all.map(({ id, state, started, outcome }) => [
      html`<a href="/redrives/${id}">${started?.what ?? id}</a>`,
      state,
      outcome.sent,
      outcome.resolved,
      outcome.returned,
      started?.by,
      started?.why,
      when(started?.at),
    ]),
    empty: 'None was started here.',
  })

const elsewhereGrid = (all: readonly KnownRedrive[]): Html =>
  grid({
    caption: 'By the command line, by other processes, or by this one before it was started anew',
    columns: [{ name: 'redrive' }, { name: 'by' }, { name: 'why' }, { name: 'at' }],
    rows: all.map(({ name, by, why, at }) => [
      html`<a href="/redrives/${encodeURIComponent(name)}">${clipped(name, 40)}</a>`,
      by,
      why,
      when(at),
    ]),
    empty: 'The ledger knows of none.',
  })

/** What ends a redrive before it is done. */
const notes: { readonly [state in Progress['state']]?: string } = {
  running: 'It runs in this server, and ends with it: what it has not sent then is open still.',
  paused: 'It can go on as long as this server runs; what it has not sent is open.',
  elsewhere:
    'This server did not start it, or not since it runs, so that it cannot be paused or go on here. What it sent goes on; what it did not send is open still, and goes when its group or its letters are sent again: none goes twice.',
}

function progressOf({ id, state, started, outcome }: Progress, visitor: Visitor): Html {
  const { sent, resolved, returned } = outcome
  const canary = started?.canary
  const note = notes[state]
  return html`<p>${started?.what}</p>
    ${note !== undefined && html`<p class="note">${note} <a href="/letters">Dead letters</a></p>`}
    <label class="bar"
      >${resolved + returned} of ${sent} have an outcome
      <progress max="${Math.max(1, sent)}" value="${resolved + returned}"></progress
    ></label>
    ${facts([
      ['is', state],
      ['sent', sent],
      ['resolved', resolved],
      ['dead again', returned],
      ['by', started?.by ?? '–'],
      ['why', started?.why ?? '–'],
      ['at', when(started?.at)],
      ['went first', canary ? `${canary.sent}: ${canary.passed} passed, ${canary.failed} failed again` : '–'],
    ])}
    ${started?.problem !== undefined && html`<p class="trouble">${started.problem}</p>`}
    ${refusals(started?.refused ?? [])} ${may(visitor.user, 'operate') && buttons(id, state, visitor)}`
}

function buttons(id: string, state: Progress['state'], visitor: Visitor): Html {
  const button = (action: string, name: string) =>
    form(`/redrives/${id}/${action}`, visitor, html`<button>${name}</button>`)
  return html`<div class="buttons">
    ${state === 'running' && button('pause', 'Pause')} ${state === 'paused' && button('resume', 'Go on')}
    ${(state === 'running' || state === 'paused') && button('stop', 'Stop')}
  </div>`
}
