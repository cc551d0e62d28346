import type { Pipeline } from './pipeline.ts'

/**
 * Resolves when all pipelines are quiet at once: what one of them writes another may read, so it looks again until
 * nothing was committed meanwhile. `settled` as in `Pipeline.quiet`.
 */
export async function allQuiet(
  pipelines: readonly Pipeline[],
  options: { readonly settled?: boolean } = {},
): Promise<void> {
  const commits = () => pipelines.reduce((sum, { meter }) => sum + meter.commits, 0)
  for (let before = -1; before !== commits();) {
    before = commits()
    for (const pipeline of pipelines) await pipeline.quiet(options)
  }
}
