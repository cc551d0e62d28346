import type { Ledger } from '../../deadletter/ledger/ledger.ts'
import { letterTopicsOf } from '../../topology/letterTopics.ts'
import { externalSources } from '../../topology/plan.ts'
import type { RunningPipeline } from '../../topology/running.ts'
import { html, type Html } from '../html.ts'
import { alertsOf } from '../workbench/alerts.ts'
import { address, age, grid } from './grid.ts'

/** Whether all is well, and what is not: what does not run, and the alerts that fire. */
export async function health(pipelines: readonly RunningPipeline[]): Promise<Html> {
  return html`${await running(pipelines)} ${await firing(pipelines)}`
}

async function running(pipelines: readonly RunningPipeline[]): Promise<Html> {
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

async function firing(pipelines: readonly RunningPipeline[]): Promise<Html> {
  const alerts = await alertsOf(pipelines)
  const lines = alerts.flatMap(({ name, pipeline, firing }) => firing.map(({ topic }) => ({ name, pipeline, topic })))
  if (lines.length === 0) return html``
  return html`<ul class="trouble">
    ${lines.map(({ name, pipeline, topic }) => html`<li><strong>${pipeline}</strong>: <a href="/alerts">${name}</a> fires for <a href="${address('/groups', { topic })}">${topic}</a></li>`)}
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
  return html`${grid({
    caption: 'Source records by what became of them: read = emitted + dropped + dead + in flight',
    columns: [
      { name: 'pipeline' },
      { name: 'source' },
      { name: 'stream' },
      ...['read', 'emitted', 'dropped', 'dead', 'in flight'].map((name) => ({ name, number: true }) as const),
    ],
    rows: rows.map(({ name, row: { source, stream, read, emitted, dropped, dead, inFlight } }) => {
      return [name, source, stream, read, emitted, dropped, dead, inFlight]
    }),
    empty: 'Nothing runs.',
  })}${lost.map(({ row }) => html`<p class="note">${row.source}: ${row.expired} offsets were deleted before they were read, and are not counted.</p>`)}`
}

/** The dead-letter topics with what lies open there. @param now milliseconds since 1970 */
export async function deadLetters(pipelines: readonly RunningPipeline[], ledger: Ledger, now: number): Promise<Html> {
  const told = pipelines.map(async ({ name, plan }) => {
    const topics = letterTopicsOf(plan).map(({ topic }) => topic)
    const letters = await ledger.counts(topics, now)
    return letters.map((count) => ({ name, ...count }))
  })
  const letters = (await Promise.all(told)).flat()
  return grid({
    caption: 'Dead letters that wait to be looked at',
    columns: [
      { name: 'topic' },
      { name: 'pipeline' },
      { name: 'open', number: true },
      { name: 'oldest', number: true },
    ],
    rows: letters.map(({ name, topic, open, oldest }) => [
      html`<a href="${address('/groups', { topic })}">${topic}</a>`,
      name,
      open,
      oldest === undefined || open === 0 ? '–' : age(now - oldest),
    ]),
    empty: 'There are no dead-letter topics.',
  })
}
