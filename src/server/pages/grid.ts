import { html, type Html, type HtmlValue } from '../html.ts'

export interface Column {
  readonly name: string
  readonly number?: true
}

export interface Grid {
  readonly caption: string
  readonly columns: readonly Column[]
  /** The first of each names the row. */
  readonly rows: readonly (readonly HtmlValue[])[]
  /** What is said where there are none. */
  readonly empty: string
}

/** A table that scrolls by itself where it is too wide. */
export function grid({ caption, columns, rows, empty }: Grid): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ name, number }) => html`<th scope="col" ${number && html` class="number"`}>${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((value, at) => cell(value, at, columns[at]!))}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`
}

function cell(value: HtmlValue, at: number, { number }: Column): Html {
  const shown = typeof value === 'number' ? value.toLocaleString('en-US') : value
  if (at === 0) return html`<th scope="row">${shown}</th>`
  return html`<td${number && html` class="number"`}>${shown}</td>`
}

/** A time of day, UTC. @param time milliseconds since 1970, or ISO 8601 */
export function when(time: number | string | null | undefined): Html | string {
  if (time === null || time === undefined) return '–'
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return '–'
  const iso = at.toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`
}

/** How long ago. @param milliseconds since then */
export function age(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / 60_000))
  if (minutes < 120) return `${minutes} min`
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} days`
}

/** Facts with their names. */
export const facts = (pairs: readonly (readonly [name: string, value: HtmlValue])[]): Html =>
  html`<dl>
    ${pairs.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`

/** Numbers as bars, hour by hour. */
export function sparkline(numbers: readonly number[]): Html {
  const [width, height, most] = [numbers.length * 4, 20, Math.max(1, ...numbers)]
  const told = `${numbers.reduce((sum, each) => sum + each, 0)} in the last ${numbers.length} hours, ${numbers.at(-1)} in this one`
  const bars = numbers.map((number, at) => {
    const tall = number === 0 ? 1 : Math.max(2, Math.round((number / most) * height))
    return html`<rect x="${at * 4}" y="${height - tall}" width="3" height="${tall}" />`
  })
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" role="img" aria-label="${told}">${bars}</svg>`
}

/** To the next page, where there is one. */
export const nextPage = (path: string, query: { readonly [name: string]: string | undefined }): Html =>
  html`<p><a rel="next" href="${address(path, query)}">Older ones</a></p>`

/** A path with a query; names without a value are left out. */
export function address(path: string, query: { readonly [name: string]: string | undefined }): string {
  const said = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  )
  return said.length === 0 ? path : `${path}?${new URLSearchParams(said).toString()}`
}
