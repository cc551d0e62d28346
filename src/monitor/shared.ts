import type { RunningPipeline } from '../topology/running.ts'

/** Asks a pipeline; who asks the same while the answer is on its way gets that one. */
export function shared<T>(ask: (pipeline: RunningPipeline) => Promise<T>): (pipeline: RunningPipeline) => Promise<T> {
  const asked = new Map<RunningPipeline, Promise<T>>()
  return (pipeline) => {
    const answer = asked.get(pipeline) ?? ask(pipeline).finally(() => asked.delete(pipeline))
    asked.set(pipeline, answer)
    return answer
  }
}
