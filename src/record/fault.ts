/** What becomes of the record that raised the fault: tried again, dead-lettered at once, or the task stops. */
export type Disposition = 'retry' | 'deadLetter' | 'halt'

/**
 * A failure with a stable code, `noun.problem`, and a decided disposition. A foreseen failure: it has no stack frames of
 * its own, which would cost more than all the rest of a dead letter; where it has a cause, that one's stack is kept.
 */
export abstract class Fault extends Error {
  abstract readonly code: string
  abstract readonly disposition: Disposition
  /** Letters of faults that say the same here are one group, whatever else differs; unsaid, the rest of the fault tells. */
  declare readonly fingerprint?: string

  constructor(message: string, options?: ErrorOptions) {
    const frames = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(message, options)
    Error.stackTraceLimit = frames
    this.name = new.target.name
  }
}

/** Names a fault class in a component's specification. */
export type FaultClass = (abstract new (...args: never[]) => Fault) & { readonly prototype: Fault }

/** An operator threw without naming its failure: a bug or unforeseen data, so trying again would not help. */
export class UnexpectedFault extends Fault {
  readonly code = 'operator.threw'
  readonly disposition = 'deadLetter'
  declare readonly fingerprint?: string

  /** @param operator name of the operator that threw @param cause what it threw, of any type */
  constructor(operator: string, cause: unknown) {
    super(`${operator} threw ${cause instanceof Error ? `${cause.name}: ${cause.message}` : describeThrown(cause)}`, {
      cause,
    })
    const { fingerprint } = (cause ?? {}) as { readonly fingerprint?: unknown }
    if (typeof fingerprint === 'string') this.fingerprint = fingerprint
  }
}

/** The record lacks a field that the config requires. */
export class MissingFieldFault extends Fault {
  readonly code = 'record.missing_field'
  readonly disposition = 'deadLetter'
  readonly path: string

  constructor(path: string) {
    super(`The record has no field "${path}".`)
    this.path = path
  }
}

/** The sink did not take the record; the same write may succeed later. */
export class SinkUnavailableFault extends Fault {
  readonly code = 'sink.unavailable'
  readonly disposition = 'retry'
}

/** The cluster takes everything but this record, and never will: it is too large for its topic, or of a time that this does not take. */
export class SinkRefusedFault extends Fault {
  readonly code = 'sink.refused'
  readonly disposition = 'deadLetter'
}

/** A fault restored from where it was written down, with its code as it was. */
export class RecordedFault extends Fault {
  readonly code: string
  readonly disposition: Disposition
  declare readonly fingerprint?: string

  constructor(code: string, message: string, disposition: Disposition = 'deadLetter', fingerprint?: string) {
    super(message)
    this.code = code
    this.disposition = disposition
    if (fingerprint !== undefined) this.fingerprint = fingerprint
  }
}

/** Whatever was thrown, as a fault. */
export const asFault = (operator: string, thrown: unknown): Fault =>
  thrown instanceof Fault ? thrown : new UnexpectedFault(operator, thrown)

function describeThrown(thrown: unknown): string {
  try {
    return `${typeof thrown}: ${String(thrown)}`
  } catch {
    return `a ${typeof thrown} that cannot be printed`
  }
}
