import { Counter, Gauge, type Registry } from 'prom-client'
import type { RunningPipeline } from '../topology/running.ts'

/** One value of a metric; the pipeline's name is added to its labels. */
export interface Point {
  readonly labels: { readonly [label: string]: string }
  readonly value: number
}

export type Read = (pipeline: RunningPipeline) => readonly Point[] | Promise<readonly Point[]>

export type Family = ReturnType<typeof family>

/** Declares metrics of one kind in a registry, each of them read from the pipelines when it is scraped. */
export function family(registry: Registry, kind: 'counter' | 'gauge', pipelines: readonly RunningPipeline[]) {
  const Metric = kind === 'counter' ? Counter : Gauge
  return (name: string, help: string, labels: readonly string[], read: Read): void => {
    new Metric({
      name,
      help,
      labelNames: ['pipeline', ...labels],
      registers: [registry],
      async collect() {
        const found = await Promise.all(pipelines.map(async (pipeline) => ({ pipeline, points: await read(pipeline) })))
        this.reset()
        for (const { pipeline, points } of found) {
          for (const { labels, value } of points) this.inc({ pipeline: pipeline.name, ...labels }, value)
        }
      },
    })
  }
}
