import type { PlannedPlot } from '../../server/plots/routes.ts'
import type { PlannedFile } from '../plans.ts'

/** What the page of these configs plots. */
export const plotsOf = (planned: readonly PlannedFile[]): readonly PlannedPlot[] =>
  planned.flatMap(({ file: { config } }) =>
    (config.monitor?.plots ?? []).map((plot) => ({ pipeline: config.name, plot })),
  )
