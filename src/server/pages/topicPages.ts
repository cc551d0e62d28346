import { seeOther } from '../answer.ts'
import { read } from '../api/operation.ts'
import { outputRecord, producedRecord } from '../api/producedRecord.ts'
import { recordAsJson, recordQuery, topicsOf } from '../api/topics.ts'
import { html, type Html } from '../html.ts'
import { pairsIn, type Endpoint } from '../router.ts'
import { may } from '../security/users.ts'
import type { Visitor } from '../security/visitor.ts'
import { produce } from '../workbench/produce.ts'
import { recordsOf } from '../workbench/records.ts'
import { veilFor } from '../workbench/veil.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { inLine } from './bytes.ts'
import { address, grid, when } from './grid.ts'
import { form, pageAnswer } from './layout.ts'
import { section } from './section.ts'

/** Topics, their records as they come, and a form for one more. */
export const topicPages = (workbench: Workbench): readonly Endpoint[] => [
  {
    method: 'GET',
    path: '/topics',
    role: 'view',
    async answer({ visitor }) {
      return pageAnswer({
        title: 'Oxbow: topics',
        subject: 'Topics',
        visitor,
        place: '/topics',
        renewed: true,
        content: html`<h1>Topics</h1>
          ${section('topics', 'Of this broker', topicsGrid(await topicsOf(workbench)), true)}`,
      })
    },
  },
  {
    method: 'GET',
    path: '/topics/{name}',
    role: 'view',
    async answer({ visitor, params, query }) {
      const name = params['name']!
      const info = await workbench.topic(name)
      const { records, next } = await recordsOf(
        workbench.parts.broker,
        info,
        read(recordQuery(), query, 400, 'after the ?'),
      )
      const veil = veilFor(
        visitor!.user,
        workbench.parts.pipelines.map(({ plan }) => plan),
      )
      const shown = next ? records : records.toReversed()
      const rows = shown.map((record) => recordRow(recordAsJson(record, veil)))
      const role = (await workbench.roles())(name)
      const isWritable = role === undefined || role === 'source' || role === 'output'
      return pageAnswer({
        title: `Oxbow: ${name}`,
        subject: `Topic ${name}`,
        visitor,
        place: '/topics',
        content: html`<h1>${name}</h1>
          ${section('records', 'Records', html`${!next && live(name)} ${recordsGrid(rows, next === undefined)} ${next && nextRecords(name, next)}`)}
          ${isWritable && section('produce', 'Produce', produceForm(name, visitor!))}`,
      })
    },
  },
  {
    method: 'POST',
    path: '/topics/{name}',
    role: 'edit',
    brings: 'form',
    async answer({ visitor, params, body }) {
      const { key, value = '', tombstone } = pairsIn(body.toString())
      const given = {
        ...(key !== undefined && key !== '' && { key }),
        ...(tombstone === 'yes' ? { value: null } : { valueText: value }),
      }
      const record = outputRecord(params['name']!, read(producedRecord(), given, 422, 'in the form'), Date.now())
      await produce(workbench, visitor!.user, record)
      return seeOther(`/topics/${params['name']!}`)
    },
  },
]

const topicsGrid = (topics: Awaited<ReturnType<typeof topicsOf>>): Html =>
  grid({
    caption: 'The number of records is by offsets: an upper bound',
    columns: [
      { name: 'topic' },
      { name: 'is' },
      { name: 'partitions', number: true },
      { name: 'records', number: true },
    ],
    rows: topics.map(({ name, role, partitions, records }) => [
      html`<a href="/topics/${name}">${name}</a>`,
      role === 'deadLetters' ? 'dead letters' : (role ?? '–'),
      partitions,
      records,
    ]),
    empty: 'There are no topics yet.',
  })

type ShownRecord = ReturnType<typeof recordAsJson>

const recordRow = ({ partition, offset, timestamp, key, headers, value }: ShownRecord) => [
  `${partition}/${offset}`,
  when(timestamp),
  inLine(key, 40),
  html`<details>
    <summary>${value === null ? html`<span class="quiet">tombstone</span>` : inLine(value, 80)}</summary>
    <pre tabindex="0" aria-label="Record ${partition}/${offset}">
${value?.text ?? value?.base64}
${headers.map(([name, bytes]) => html`${name}: ${inLine(bytes, 200)}${'\n'}`)}</pre>
  </details>`,
]

const recordsGrid = (rows: readonly ReturnType<typeof recordRow>[], isNewest: boolean): Html =>
  html`<div id="newest">
    ${grid({
      caption: isNewest ? 'The newest records first' : 'Records in the order of their offsets',
      columns: [{ name: 'place' }, { name: 'time' }, { name: 'key' }, { name: 'value' }],
      rows,
      empty: 'There are no records here.',
    })}
  </div>`

/** With scripts, records come by themselves. */
const live = (name: string): Html =>
  html`<p class="live" data-live="/api/topics/${name}/records/live" hidden>
    <label><input type="checkbox" id="follow" checked /> Show records as they come</label>
    <span id="followed" role="status"></span>
  </p>`

const nextRecords = (name: string, { partition, from }: { readonly partition: number; readonly from: number }): Html =>
  html`<p>
    <a rel="next" href="${address(`/topics/${name}`, { partition: String(partition), from: String(from) })}"
      >Those after them</a
    >
    <a href="/topics/${name}">The newest</a>
  </p>`

function produceForm(name: string, visitor: Visitor): Html {
  if (!may(visitor.user, 'edit')) return html`<p class="note">Producing needs the role edit.</p>`
  return form(
    `/topics/${name}`,
    visitor,
    html`<label>Key <input name="key" maxlength="1000" autocomplete="off" /></label>
      <label>Value <textarea name="value" rows="5" spellcheck="false"></textarea></label>
      <label class="check"><input type="checkbox" name="tombstone" value="yes" /> A tombstone: no value</label>
      <p><button>Produce</button></p>`,
  )
}
