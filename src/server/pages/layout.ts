import type { Answer } from '../answer.ts'
import { html, type Html } from '../html.ts'
import type { Visitor } from '../security/visitor.ts'

/** A page of the workbench. */
export interface Page {
  readonly title: string
  /** Beside the name of the program: what the page is about. */
  readonly subject: string
  readonly visitor: Visitor | undefined
  /** The path of the place in the navigation that it belongs to. */
  readonly place?: string
  readonly content: Html | readonly Html[]
  /** Whether its parts are fetched again while somebody looks at it. */
  readonly renewed?: true
  readonly status?: number
}

const places = [
  ['/', 'Overview'],
  ['/letters', 'Dead letters'],
  ['/redrives', 'Redrives'],
  ['/topics', 'Topics'],
  ['/tables', 'Tables'],
  ['/alerts', 'Alerts'],
  ['/audit', 'Audit'],
] as const

export function pageAnswer({ title, subject, visitor, place, content, renewed, status = 200 }: Page): Answer {
  const body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" type="image/svg+xml" href="/browser/icon.svg" />
        <link rel="stylesheet" href="/browser/style.css" />
        <script type="module" src="/browser/script.js"></script>
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <header>
          <p class="name"><a href="/">Oxbow</a></p>
          <p class="subject">${subject}</p>
          ${
            renewed &&
            html`<p class="renewal" id="renewal" hidden>
              <label><input type="checkbox" id="renew" checked /> Renew every 10 s</label>
              <span id="renewed" role="status"></span>
            </p>`
          }
          ${visitor && whoIsThere(visitor)}
        </header>
        ${visitor && navigation(place)}
        <main id="main">${content}</main>
        <footer>
          <p>
            More for machines: <a href="/api/openapi.json">/api/openapi.json</a> <a href="/metrics">/metrics</a>
            <a href="/readyz">/readyz</a> <a href="/healthz">/healthz</a> <a href="/plots">/plots</a>
          </p>
        </footer>
      </body>
    </html> `
  return { status, type: 'text/html; charset=utf-8', body: body.text, headers: { vary: 'accept, cookie' } }
}

const navigation = (current: string | undefined): Html =>
  html`<nav aria-label="Workbench">
    <ul>
      ${places.map(([path, name]) => html`<li><a href="${path}" ${path === current && html` aria-current="page"`}>${name}</a></li> `)}
    </ul>
  </nav>`

/** Somebody who logged in can log out. */
const whoIsThere = ({ user, byCookie, formToken }: Visitor): Html =>
  html`<form class="who" method="post" action="/logout">
    <span>${user.name} (${user.role})</span>
    ${byCookie && html`<input type="hidden" name="form-token" value="${formToken}" /><button>Log out</button>`}
  </form>`

/** A form that changes something. */
export const form = (action: string, { formToken }: Visitor, content: Html | readonly Html[]): Html =>
  html`<form class="act" method="post" action="${action}">
    <input type="hidden" name="form-token" value="${formToken}" />${content}
  </form>`
