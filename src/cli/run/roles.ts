import type { Plan } from '../../topology/plan.ts'
import { planRetry } from '../../topology/retryTopic.ts'
import type { PlannedFile } from '../plans.ts'

/** What may run in a process of its own: everything but the retry pipelines, or these alone. */
export type Role = 'main' | 'retry'

/** What runs of these configs, monitors left out: the pipelines of a role, or all. */
export function plansOf(planned: readonly PlannedFile[], role: Role | undefined): readonly Plan[] {
  const mains = role === 'retry' ? [] : planned.map(({ plan }) => plan)
  const retries = role === 'main' ? [] : planned.flatMap(({ plan }) => planRetry(plan) ?? [])
  return [...mains, ...retries]
}
