import { soleWriters } from '../../../topology/soleWriter.ts'
import type { BrokerPlace } from '../../brokerOptions.ts'
import { UsageError } from '../../failure.ts'
import type { PlannedFile } from '../../plans.ts'

/** @throws UsageError for what cannot run in several threads */
export function refuseThreads(planned: readonly PlannedFile[], place: BrokerPlace): void {
  if (place.kind === 'embedded')
    throw new UsageError('the embedded broker runs in one thread: leave --threads out, or say 1')
  for (const { file, plan } of planned) {
    const [sink] = soleWriters(plan)
    if (sink === undefined) continue
    throw new UsageError(
      `${file.file}: only one may write to ${sink}, threads would write over one another: leave --threads out, or write to a topic`,
    )
  }
}
