import { Subject, Subscription, type Observer, type SchedulerLike } from 'rxjs'
import type { StateReader } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import { attempt, lift } from '../component/lift.ts'
import type { Clock } from '../component/operator.ts'
import type { Outcome } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'
import { readGlobal } from './globalTables.ts'
import type { Meter, NodeMeter } from './meter.ts'
import type { Plan, PlannedSink, PlannedStep, PlannedStream, Subtopology } from './plan.ts'
import { readTable, type WritableTable } from '../component/tableStore.ts'
import { followable } from './results.ts'
import type { StagedState } from './staged.ts'
import { branchesOf, sourcesOf } from './upstream.ts'

/** An operator of a stream in one task. */
export interface Node {
  readonly id: string
  /** Number of its stream in the sub-topology. */
  readonly stream: number
  /** Where its records enter. */
  input: Pick<Observer<Record>, 'next' | 'complete'>
  readonly running: Subscription
  readonly meter: NodeMeter
  /** Whether records can stay inside beyond the call that brought them. */
  readonly holds: boolean
  /** Whether its calls end by themselves, so that a commit may wait a moment for them. */
  readonly calls: boolean
  /** The operator after it; undefined for the last of its stream. */
  next?: Node
  /** What it does without a record, of an operator by the clock. */
  clock?: Clock
  /** Where the records of the other stream enter, of an operator with two sides. */
  right?: Node
  /** Ends its input, so that it lets go of what it holds; what comes later, from operators before it, enters it anew. */
  flush(): void
}

/** The place where a stream's records leave for a sink. */
export interface SinkNode {
  readonly sink: PlannedSink
  readonly stream: number
  readonly meter: NodeMeter
  /** The state of the table that it keeps. */
  readonly table?: WritableTable
}

export interface StreamNodes {
  readonly name: string
  readonly number: number
  first?: Node
  readonly sinks: readonly SinkNode[]
  /** Streams that read this one, and its branches by name. */
  readonly readers: Reader[]
  readonly branches: Map<string, Reader[]>
}

/** A stream as one of those that it reads sees it. */
export interface Reader {
  readonly stream: StreamNodes
  /** Where they enter, if not at the first operator. */
  readonly entry?: Node
  /** What tells a record that comes this way from the same one that comes another way: an addition to its index. */
  readonly via: string
}

export interface Wiring {
  readonly streams: readonly StreamNodes[]
  readonly nodes: ReadonlyMap<string, Node>
  readonly sinks: ReadonlyMap<string, SinkNode>
  /** The streams that read a source. */
  readonly readers: ReadonlyMap<string, readonly Reader[]>
  /** The number of the stream that an operator or a sink belongs to; undefined if there is none of that id. */
  streamOf(id: string): number | undefined
  /** Unsubscribes from every operator; calls under way are aborted. */
  close(): void
}

export interface WiringParts {
  readonly plan: Plan
  readonly subtopology: Subtopology
  readonly partition: number
  readonly scheduler: SchedulerLike
  readonly log: Log
  readonly signal: AbortSignal
  readonly meter: Meter
  /** The tables that every task has, as they are committed; undefined where the plan has none. */
  readonly global: StateReader | undefined
}

/**
 * Builds a sub-topology for one task, the outcomes of its operators handed to `outcome`: a step that may hold records is
 * lifted over a Subject, and one that answers at once is called.
 */
export function wire(parts: WiringParts, state: StagedState, outcome: (node: Node, outcome: Outcome) => void): Wiring {
  const { subtopology, meter } = parts
  const nodes = new Map<string, Node>()
  const sinks = new Map<string, SinkNode>()
  const readers = new Map<string, Reader[]>()
  const streams = subtopology.streams.map((stream, at) => {
    const number =
      stream.asideOf === undefined ? at : subtopology.streams.findIndex(({ name }) => name === stream.asideOf)
    const branches = new Map<string, Reader[]>()
    const chain = stream.steps.map((step) => build(step, { number, branches }, parts, state, outcome))
    chain.forEach((node, at) => {
      for (const side of node.right ? [node, node.right] : [node]) {
        nodes.set(side.id, side)
        if (chain[at + 1]) side.next = chain[at + 1]!
      }
    })
    const ends = stream.sinks.map((sink): SinkNode => ({
      sink,
      stream: number,
      meter: meter.node(sink.id),
      ...(sink.table !== undefined && { table: state.store(sink.table) }),
      ...(sink.global !== undefined && { table: state.global(sink.global) }),
    }))
    for (const end of ends) sinks.set(end.sink.id, end)
    return {
      name: stream.name,
      number,
      ...(chain[0] && { first: chain[0] }),
      sinks: ends,
      readers: [],
      branches,
    } satisfies StreamNodes
  })
  const planned = subtopology.streams
  planned.forEach((stream, number) => connect(stream, streams[number]!, streams, { planned, nodes, sources: readers }))
  return {
    streams,
    nodes,
    sinks,
    readers,
    streamOf: (id) => (nodes.get(id) ?? sinks.get(id))?.stream,
    close: () => nodes.forEach((node) => node.running.unsubscribe()),
  }
}

interface Connecting {
  readonly planned: readonly PlannedStream[]
  readonly nodes: ReadonlyMap<string, Node>
  readonly sources: Map<string, Reader[]>
}

function connect(
  { from, steps }: PlannedStream,
  stream: StreamNodes,
  streams: readonly StreamNodes[],
  { planned, nodes, sources }: Connecting,
): void {
  const joined = steps.filter(({ reads }) => reads.stream !== undefined)
  const ways: { name: string; entry?: Node }[] = [
    ...from.map((name) => ({ name })),
    ...joined.map(({ id, reads }) => ({ name: reads.stream!, entry: nodes.get(id)!.right! })),
  ]
  const reached = ways.map(({ name }) => sourcesOf(name, planned))
  ways.forEach(({ name, ...entry }, at) => {
    const others = reached.filter((_, other) => other !== at).flatMap((names) => [...names])
    const reader = { stream, ...entry, via: others.some((source) => reached[at]!.has(source)) ? `~${at}` : '' }
    const origin = streams.find((candidate) => candidate.name === name)
    const owner = planned.findIndex((candidate) => branchesOf(candidate).includes(name))
    if (origin) origin.readers.push(reader)
    else if (owner >= 0) addTo(streams[owner]!.branches, name.slice(planned[owner]!.name.length + 1), reader)
    else addTo(sources, name, reader)
  })
}

function addTo<T>(lists: Map<string, T[]>, name: string, element: T): void {
  const list = lists.get(name)
  if (list) list.push(element)
  else lists.set(name, [element])
}

function build(
  { id, spec, config, reads }: PlannedStep,
  { number: stream, branches }: Pick<StreamNodes, 'number' | 'branches'>,
  { plan, partition, scheduler, log, signal, meter, global }: WiringParts,
  state: StagedState,
  outcome: (node: Node, outcome: Outcome) => void,
): Node {
  const table = (name: string) => (reads.global === name ? readGlobal(global!, name) : readTable(state.store(name)))
  const { directory } = plan
  const context = { name: id, partition, scheduler, directory, log, signal, state: state.store(id), table }
  const step = spec.build(config, context)
  const node: Node = {
    id,
    stream,
    input: new Subject(),
    running: new Subscription(),
    meter: meter.node(id),
    holds: typeof step !== 'function' && ('over' in step || 'each' in step),
    calls: typeof step !== 'function' && 'each' in step,
    flush() {
      const ended = node.input
      open()
      ended.complete()
    },
  }
  if (typeof step === 'function') return direct(node, step)
  if ('take' in step)
    return Object.assign(
      direct(node, (record) => step.take(record)),
      { clock: step },
    )
  if ('left' in step) {
    const { left, right, clock } = step
    const other = direct({ ...node, id: `${id}.right`, meter: meter.node(`${id}.right`) }, right)
    return Object.assign(direct(node, left), { right: other, ...(clock && { clock }) })
  }
  function direct(side: Node, step: (record: Record) => Outcome): Node {
    const run = (record: Record) => followable(side.id, attempt(step, record, side.id), branches)
    // Where it fails, or what it gave cannot be followed, what it changed in the state is undone.
    side.input = { next: (record) => outcome(side, state.attempt(run, record, isKept)), complete() {} }
    return side
  }
  const lifted = lift(step, context)
  const open = () => {
    const input = new Subject<Record>()
    node.input = input
    node.running.add(input.pipe(lifted).subscribe((result) => outcome(node, followable(id, result, branches))))
  }
  open()
  return node
}

const isKept = ({ type }: Outcome): boolean => type !== 'fail'
