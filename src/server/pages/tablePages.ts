import type { Answer } from '../answer.ts'
import { clipped, html, type Html } from '../html.ts'
import { Problem } from '../problem.ts'
import type { Asked } from '../router.ts'
import { address, grid } from './grid.ts'
import { pageAnswer } from './layout.ts'
import { section } from './section.ts'

interface Store {
  readonly pipeline: string
  readonly store: string
  readonly partition: number
  readonly entries: number
  readonly bytes: number
}

interface Entries {
  readonly pipeline: string
  readonly store: string
  readonly entries: readonly { readonly partition: number; readonly key: string; readonly value: unknown }[]
  readonly next: { readonly partition: number; readonly after: string } | null
}

type Entry = Omit<Entries, 'entries' | 'next'> & Entries['entries'][number]

/** The state of pipelines for a browser, from what programs are told of it. @param told as JSON @throws Problem */
export function tablePage({ visitor }: Asked, told: Answer): Answer {
  const body = JSON.parse(told.body as string) as readonly Store[] | Entries | Entry | { readonly error: string }
  if ('error' in body) throw new Problem(told.status, body.error, told.headers)
  const title = 'store' in body ? body.store : 'Tables'
  return pageAnswer({
    title: `Oxbow: ${title}`,
    subject: 'store' in body ? `Table ${body.store} of ${body.pipeline}` : 'Tables',
    visitor,
    place: '/tables',
    renewed: true,
    content: html`<h1>${title}</h1>
      ${section('state', 'State', shown(body), true)}`,
  })
}

function shown(body: readonly Store[] | Entries | Entry): Html {
  if (!('store' in body)) return storesGrid(body)
  if (!('entries' in body)) return entriesGrid(body, [body])
  const { pipeline, store, entries, next } = body
  const path = `/tables/${encodeURIComponent(store)}`
  const more = next && address(path, { pipeline, partition: String(next.partition), after: next.after })
  return html`${entriesGrid(body, entries)} ${more !== null && html`<p><a rel="next" href="${more}">More</a></p>`}`
}

const storesGrid = (stores: readonly Store[]): Html =>
  grid({
    caption: 'What operators and tables keep, by partitions',
    columns: [
      { name: 'store' },
      { name: 'pipeline' },
      { name: 'partition', number: true },
      { name: 'entries', number: true },
      { name: 'bytes', number: true },
    ],
    rows: stores.map(({ store, pipeline, partition, entries, bytes }) => [
      html`<a href="${address(`/tables/${encodeURIComponent(store)}`, { pipeline })}">${store}</a>`,
      pipeline,
      partition,
      entries,
      bytes,
    ]),
    empty: 'Nothing is kept yet.',
  })

const entriesGrid = ({ store, pipeline }: Pick<Entries, 'store' | 'pipeline'>, entries: Entries['entries']): Html =>
  grid({
    caption: `What ${store} keeps`,
    columns: [{ name: 'key' }, { name: 'partition', number: true }, { name: 'value' }],
    rows: entries.map(({ key, partition, value }) => [
      html`<a href="${address(`/tables/${encodeURIComponent(store)}/${encodeURIComponent(key)}`, { pipeline })}"
        >${clipped(key, 80)}</a
      >`,
      partition,
      clipped(JSON.stringify(value), 500),
    ]),
    empty: 'It has no entries.',
  })
