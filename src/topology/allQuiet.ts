import type { RunningPipeline } from './running.ts'

/**
 * Resolves when all pipelines are quiet at once: what one of them writes another may read, so it looks again until
 * nothing was committed meanwhile. `settled` as in `Pipeline.quiet`.
 */
export async function allQuiet(
  pipelines: readonly RunningPipeline[],
  options: { readonly settled?: boolean } = {},
): Promise<void> {
  const commits = async () => {
    const all = await Promise.all(pipelines.map((pipeline) => pipeline.status()))
    return all.reduce((sum, { meter }) => sum + meter.commits, 0)
  }
  let now = await commits()
  for (let before = -1; before !== now; now = await commits()) {
    before = now
    for (const pipeline of pipelines) await pipeline.quiet(options)
  }
}
