/** A failure as a letter tells it, with the name of the reason that a person would give it. */
export interface LabelledFault {
  readonly reason: string
  readonly operator: string
  readonly code: string
  readonly message: string
  readonly stack: string
  /** What its letter says, where Oxbow wrote one. */
  readonly fingerprint?: string
}
