import type { PlotConfig } from '../../topology/plotConfig.ts'
import { clipped, html, type Html } from '../html.ts'
import type { Panel, Plotted } from './plot.ts'
import type { Point } from './points.ts'
import { fullTime, numberLabel } from './scale.ts'
import { drawPanel, lineClass, nameOf, timesOf } from './svg.ts'

/** How many pictures of a plot the page shows, and how many rows of numbers below each. */
const most = { panels: 24, rows: 100 }

/** A plot on the page: legend, pictures with their numbers in a table, and what is not shown. @param number its place in `/plots` */
export function figures(plot: PlotConfig, number: number, { panels, failed, notes }: Plotted): Html {
  const times = timesOf(panels)
  const hidden = panels.length - most.panels
  const told = hidden > 0 ? [...notes, `${hidden} more pictures are not shown here.`] : notes
  const id = `plot-${number}`
  return html`<article aria-labelledby="${id}">
    <h3 id="${id}">${plot.title}</h3>
    ${
      times
        ? html`${legend(plot)}
            <div class="panels">
              ${panels.slice(0, most.panels).map((panel, at) => figure(panel, `${id}-${at}`, drawPanel(panel, times)))}
            </div>`
        : html`<p class="empty">${nothing(plot, failed)}</p>`
    }
    ${told.map((note) => html`<p class="note">${clipped(note, 500)}</p>`)}
    <p class="note"><a href="/plots/${number}">All its numbers as JSON</a></p>
  </article> `
}

function nothing({ empty, lines }: PlotConfig, failed: number): string {
  if (failed > 0) return 'There are records, and none can be shown:'
  const topics = [...new Set(lines.map(({ topic }) => topic))].join(' and ')
  return empty ?? `Nothing to show yet: no records on ${topics}.`
}

function legend({ lines }: PlotConfig): Html {
  const entries = lines.map((line, at) => {
    const sample =
      line.as === 'marks'
        ? html`<g class="marks ${lineClass(at)}"><path class="stem" d="M12 1V14" /><path d="M12 8l-4 -7h8z" /></g>`
        : html`<g class="line ${lineClass(at)}"><path d="M1 7H23" /></g>`
    const side = lines.some(({ axis }) => axis !== line.axis) && line.as === 'line' ? `, ${line.axis} axis` : ''
    return html`<li>
      <svg class="sample" viewBox="0 0 24 14" aria-hidden="true">${sample}</svg> ${nameOf(line)}${side}
    </li>`
  })
  return html`<ul class="legend">
    ${entries}
  </ul> `
}

function figure(panel: Panel, id: string, drawn: Html): Html {
  return html`<figure>
    ${panel.by === undefined ? undefined : html`<figcaption><bdi>${clipped(panel.by)}</bdi></figcaption>`} ${drawn}
    ${numbers(panel, id)}
  </figure> `
}

/** The same as a table, the newest first. */
function numbers({ by, lines }: Panel, id: string): Html {
  const times = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].toSorted((a, b) => b - a)
  const columns = lines.map(({ points }) => Map.groupBy(points, ({ x }) => x))
  const shown = times.slice(0, most.rows)
  const caption = shown.length < times.length ? `The newest ${shown.length} of ${times.length} times` : 'All times'
  return html`<details id="${id}-numbers">
    <summary>Numbers</summary>
    <div
      class="scroll"
      id="${id}-table"
      role="region"
      tabindex="0"
      aria-label="${by === undefined ? 'Numbers' : `Numbers of ${clipped(by)}`}"
    >
      <table>
        <caption>
          ${caption}
        </caption>
        <thead>
          <tr>
            <th scope="col">time (UTC)</th>
            ${lines.map(({ line }) => html`<th scope="col">${nameOf(line)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (time) =>
              html`<tr>
                <th scope="row">${fullTime(time)}</th>
                ${columns.map((column) => html`<td>${cell(column.get(time))}</td>`)}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </details>`
}

const cell = (points: readonly Point[] = []): string =>
  points.map(({ y }) => (y === null ? '–' : numberLabel(y, 6))).join(', ')
