import type { Operator } from './operator.ts'
import type { SinkSpec } from './sink.ts'
import type { SourceSpec } from './source.ts'

/** The components that configs can name. A plugin is one more element. */
export interface Catalog {
  readonly sources: readonly SourceSpec[]
  readonly operators: readonly Operator[]
  readonly sinks: readonly SinkSpec[]
}
