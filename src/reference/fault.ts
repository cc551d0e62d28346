import { faultCode } from '../component/faultCode.ts'
import { Fault, type Disposition, type FaultClass } from '../record/fault.ts'

/** What can be said of a fault without one having happened. */
export interface FaultFacts {
  readonly code: string
  /** More than one where it depends on what happened. */
  readonly dispositions: readonly Disposition[]
  /** Its message with "…" for what differs; undefined where whoever raises it words it. */
  readonly message: string | undefined
}

/** What faults are raised over here: a disposition may depend on it, as on a status. */
const causes = ['…', 404, 503]

/** Raises a fault of the class for each cause, to see what becomes of the record and how it reads. */
export function faultFacts(faultClass: FaultClass): FaultFacts {
  const Class = faultClass as unknown as new (...words: unknown[]) => unknown
  const faults = causes.map((cause) => new Class(cause, '…', '…', '…')).filter((fault) => fault instanceof Fault)
  const message = faults[0]?.message ?? '…'
  return {
    code: faultCode(faultClass),
    dispositions: [...new Set(faults.map(({ disposition }) => disposition))],
    message: /\p{L}{2}/u.test(message) ? message : undefined,
  }
}
