import type { Broker } from '../../broker/broker.ts'
import type { PlotConfig } from '../../topology/plotConfig.ts'
import { json, type Answer, type Route } from '../answer.ts'
import { readPlot, type Plotted } from './plot.ts'
import { nameOf } from './svg.ts'

/** A plot, and whose it is. */
export interface PlannedPlot {
  /** The name of the pipeline that asks for it. */
  readonly pipeline: string
  readonly plot: PlotConfig
}

/** A plot that can be read; who asks while an answer is on its way gets that one. */
export interface ReadablePlot extends PlannedPlot {
  read(): Promise<Plotted>
}

/** Plots that are read from the broker when asked. */
export function readablePlots(plots: readonly PlannedPlot[], broker: Broker): readonly ReadablePlot[] {
  return plots.map((planned) => {
    let asked: Promise<Plotted> | undefined
    return {
      ...planned,
      read: () => (asked ??= readPlot(broker, planned.plot, Date.now()).finally(() => (asked = undefined))),
    }
  })
}

/** `/plots`, and `/plots/0` and on. */
export function plotRoutes(plots: readonly ReadablePlot[]): readonly (readonly [path: string, route: Route])[] {
  const list = plots.map(({ pipeline, plot }, number) => ({ pipeline, title: plot.title, path: `/plots/${number}` }))
  const each = plots.map((plot, number) => [`/plots/${number}`, async () => asJson(plot, await plot.read())] as const)
  return [['/plots', () => json(200, { plots: list })], ...each]
}

function asJson({ pipeline, plot }: PlannedPlot, { panels, notes }: Plotted): Answer {
  return json(200, {
    pipeline,
    title: plot.title,
    panels: panels.map(({ by, lines }) => ({
      by,
      lines: lines.map(({ line, points }) => ({
        name: nameOf(line),
        topic: line.topic,
        unit: line.unit,
        axis: line.axis,
        as: line.as,
        points: points.map(({ x, y }) => [new Date(x).toISOString(), y]),
      })),
    })),
    notes,
  })
}
