/** What operators, sources and sinks of your own are written with; `oxbow/testing` is what they are tested with. */
export type { Context, Json, Log, OperatorContext } from './component/context.ts'
export { duration, path, size, topicName } from './component/fields.ts'
export { defineOperator, type Example, type Operator, type OperatorSpec, type Step } from './component/operator.ts'
export { defineSink, type OpenSink, type Receipt, type SinkContext, type SinkSpec } from './component/sink.ts'
export {
  defineSource,
  type ConfigExample,
  type Connector,
  type Format,
  type Polled,
  type SourceContext,
  type SourceRecord,
  type SourceSpec,
} from './component/source.ts'
export type { StateStore } from './component/state.ts'
export type { UserAggregate } from './operators/aggregate/own.ts'
export type { UserFunction } from './operators/use.ts'
export type { StreamFunction } from './operators/use/stream.ts'
export {
  Fault,
  MissingFieldFault,
  RecordedFault,
  SinkUnavailableFault,
  UnexpectedFault,
  type Disposition,
  type FaultClass,
} from './record/fault.ts'
export { absorb, drop, emit, emitAll, emitTo, fail, type Outcome } from './record/outcome.ts'
export { field, nth, withValue, type Header, type Origin, type Record } from './record/record.ts'
