import type { Ledger } from '../../deadletter/ledger/ledger.ts'
import { externalSources } from '../../topology/plan.ts'
import type { RunningPipeline } from '../../topology/running.ts'
import { html, type Html } from '../html.ts'

/** Whether all is well, and what is not. */
export async function health(pipelines: readonly RunningPipeline[]): Promise<Html> {
  const told = pipelines.map(async (pipeline) => {
    const { started, troubles } = await pipeline.status()
    return (started ? troubles : ['not started']).map((trouble) => ({ pipeline: pipeline.name, trouble }))
  })
  const troubles = (await Promise.all(told)).flat()
  if (troubles.length === 0) return html`<p class="well">Everything runs.</p>`
  return html`<p class="trouble">Not everything runs:</p>
    <ul class="trouble">
      ${troubles.map(({ pipeline, trouble }) => html`<li><strong>${pipeline}</strong>: ${trouble}</li>`)}
    </ul>`
}

/**
 * Where each source record is: one row per pipeline, source and stream. What a retry pipeline does is in the rows of the
 * one that it retries for.
 */
export async function conservation(pipelines: readonly RunningPipeline[]): Promise<Html> {
  const own = pipelines.filter(({ plan }) => externalSources(plan).some(({ retriesOf }) => retriesOf === undefined))
  const told = own.map(async (pipeline) => ({ name: pipeline.name, rows: await pipeline.conservation() }))
  const all = await Promise.all(told)
  const rows = all.flatMap(({ name, rows }) => rows.map((row) => ({ name, row })))
  const lost = rows.filter(({ row }) => (row.expired ?? 0) > 0)
  return html`${table(
    'Source records by what became of them: read = emitted + dropped + dead + in flight',
    ['pipeline', 'source', 'stream'],
    ['read', 'emitted', 'dropped', 'dead', 'in flight'],
    rows.map(({ name, row: { source, stream, read, emitted, dropped, dead, inFlight } }) => {
      return { names: [name, source, stream], numbers: [read, emitted, dropped, dead, inFlight] }
    }),
  )}${lost.map(({ row }) => html`<p class="note">${row.source}: ${row.expired} offsets were deleted before they were read, and are not counted.</p>`)}`
}

/** The dead-letter topics with what lies open there. @param now milliseconds since 1970 */
export async function deadLetters(pipelines: readonly RunningPipeline[], ledger: Ledger, now: number): Promise<Html> {
  const told = pipelines.map(async ({ name, plan }) => {
    const own = externalSources(plan).filter(({ retriesOf }) => retriesOf === undefined)
    const topics = [...new Set(own.map(({ deadLetters }) => deadLetters.topic))]
    const letters = await ledger.counts(topics, now)
    return letters.map((count) => ({ name, ...count }))
  })
  const letters = (await Promise.all(told)).flat()
  return table(
    'Dead letters that wait to be looked at',
    ['topic', 'pipeline'],
    ['open', 'oldest'],
    letters.map(({ name, topic, open, oldest }) => {
      return { names: [topic, name], numbers: [open, oldest === undefined || open === 0 ? '–' : age(now - oldest)] }
    }),
  )
}

interface Row {
  readonly names: readonly string[]
  readonly numbers: readonly (number | string)[]
}

function table(caption: string, names: readonly string[], numbers: readonly string[], rows: readonly Row[]): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${names.map((name) => html`<th scope="col">${name}</th>`)}${numbers.map((name) => html`<th scope="col" class="number">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ names: [first, ...others], numbers: counts }) =>
            html`<tr>
              <th scope="row">${first}</th>
              ${others.map((name) => html`<td>${name}</td>`)}${counts.map((count) => html`<td class="number">${typeof count === 'number' ? count.toLocaleString('en-US') : count}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`
}

function age(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / 60_000))
  if (minutes < 120) return `${minutes} min`
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} days`
}
