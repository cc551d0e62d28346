import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { Log } from '../component/context.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import type { RunningPipeline } from '../topology/running.ts'
import type { Answer, Route } from './answer.ts'
import { html, type Html } from './html.ts'
import { conservation, deadLetters, health } from './overview.ts'
import { figures } from './plots/figures.ts'
import type { ReadablePlot } from './plots/routes.ts'

export interface PageParts {
  readonly pipelines: readonly RunningPipeline[]
  readonly plots: readonly ReadablePlot[]
  readonly ledger: Ledger
  readonly log: Log
}

/** A part of the page, which is renewed by itself. */
interface Part {
  readonly id: string
  readonly title: string
  /** Whether a screen reader is told when it changes. */
  readonly live?: true
  show(): Promise<Html>
}

/** The page itself, for who asks for HTML; what it is made of is read anew each time. */
export async function page(parts: PageParts): Promise<Answer> {
  const names = parts.pipelines.map(({ name }) => name).join(', ') || 'nothing'
  const sections = await Promise.all(partsOf(parts).map((part) => section(part, parts.log)))
  const body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Oxbow: ${names}</title>
        <link rel="icon" type="image/svg+xml" href="/browser/icon.svg" />
        <link rel="stylesheet" href="/browser/style.css" />
        <script type="module" src="/browser/script.js"></script>
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <header>
          <h1>Oxbow</h1>
          <p class="subject">runs ${names}</p>
          <p class="renewal" id="renewal" hidden>
            <label><input type="checkbox" id="renew" checked /> Renew every 10 s</label>
            <span id="renewed" role="status"></span>
          </p>
        </header>
        <main id="main">${sections}</main>
        <footer>
          <p>
            More for machines: <a href="/metrics">/metrics</a> <a href="/readyz">/readyz</a>
            <a href="/healthz">/healthz</a> <a href="/plots">/plots</a>
          </p>
        </footer>
      </body>
    </html> `
  return { status: 200, type: 'text/html; charset=utf-8', body: body.text, headers: { vary: 'accept' } }
}

function partsOf({ pipelines, plots, ledger }: PageParts): readonly Part[] {
  const drawn: Part = {
    id: 'plots',
    title: 'Plots',
    show: async () =>
      html`${await Promise.all(plots.map(async ({ plot, read }, at) => figures(plot, at, await read())))}`,
  }
  return [
    { id: 'health', title: 'Health', live: true, show: () => health(pipelines) },
    ...(plots.length > 0 ? [drawn] : []),
    { id: 'records', title: 'Records', show: () => conservation(pipelines) },
    { id: 'letters', title: 'Dead letters', show: () => deadLetters(pipelines, ledger, Date.now()) },
  ]
}

/** What cannot be shown says so in its place: the others still are. */
async function section({ id, title, live, show }: Part, log: Log): Promise<Html> {
  const shown = await show().catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    log.warn({ part: id, error }, `${title} of the page could not be shown: ${message}`)
    return html`<p class="trouble">This could not be read; the log says why.</p>`
  })
  return html`<section id="${id}" aria-labelledby="${id}-title" data-renewed${live && html` aria-live="polite"`}>
    <h2 id="${id}-title">${title}</h2>
    ${shown}
  </section> `
}

/** Whether a request asks for HTML by its name, and for text no more than that: a browser does, curl does not. */
export function wantsHtml({ headers: { accept = '' } }: IncomingMessage): boolean {
  const quality = (type: string): number => {
    const range = accept.split(',').find((each) => each.split(';', 1)[0]!.trim().toLowerCase() === type)
    if (range === undefined) return 0
    return Number(/;\s*q=([\d.]+)/i.exec(range)?.[1] ?? 1)
  }
  return quality('text/html') > 0 && quality('text/html') >= quality('text/plain')
}

const assets = { 'style.css': 'text/css', 'script.js': 'text/javascript', 'icon.svg': 'image/svg+xml' } as const

/** Where the files lie that the page has the browser load. */
export const assetFolder = '/browser/'

/** These files, as they lie beside this one. */
export const assetRoutes = (): readonly (readonly [path: string, route: Route])[] =>
  Object.entries(assets).map(([name, type]) => [
    `${assetFolder}${name}`,
    async () => {
      const body = await readFile(new URL(`browser/${name}`, import.meta.url), 'utf8')
      return { status: 200, type: `${type}; charset=utf-8`, body }
    },
  ])
