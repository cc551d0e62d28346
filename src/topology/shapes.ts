import type { Broker, GroupMember, StateChange, StateReader } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import { decode, encode } from './encoded.ts'
import { stateOf } from './held.ts'
import { inputsOf, type Plan, type PlannedStep, type Subtopology } from './plan.ts'

const store = '$shape'

const globalTable = 'global table'

/** What made the state of a step. */
interface Shape {
  /** The operator's name. */
  readonly kind: string
  /** What of its config the state depends on, as JSON. */
  readonly config: string
  /** It was said that the config has the step no more. */
  readonly gone?: true
}

export interface ShapedTask {
  readonly plan: Plan
  readonly subtopology: Subtopology
  readonly partition: number
  readonly member: GroupMember | undefined
  readonly broker: Broker
  readonly log: Log
}

/** State cannot be used by the config as it is now; the message says what would help. */
class StateUnusable extends Error {
  override readonly name = 'StateUnusable'
}

/**
 * Compares a task's state with what made it. Steps that the config has no more are said once; their state is left as it is.
 * @returns the broker, by which units go that change the state of a step for the first time: they say what made it
 * @throws StateUnusable for state of another kind, or whose keys belong to other partitions
 */
export async function checkShapes(task: ShapedTask, state: StateReader): Promise<Broker> {
  const { plan, subtopology } = task
  const fresh = new Map<string, Shape>()
  const back: [string, Shape][] = []
  let isUsed = false
  for (const [id, now] of shapesOf(subtopology)) {
    const before = shapeIn(state, id)
    const isKept = isKeptIn(state, id, before)
    if (before && isKept) checkSame(task, id, before, now)
    if (before?.kind !== now.kind || before.config !== now.config) fresh.set(id, now)
    else if (before.gone) back.push([id, now])
    isUsed ||= hasEntries(state, id)
  }
  if (isUsed) await checkPartitions(task, state)
  const gone = goneFrom(plan, state)
  for (const [id] of gone) sayGone(id, task)
  await remember([...back, ...gone.map(([id, shape]) => [id, { ...shape, gone: true }] as const)], task)
  return marking(task, fresh)
}

/** Units that change the state of a step for the first time also say what makes it, and of how many partitions. */
function marking({ subtopology, broker }: ShapedTask, fresh: Map<string, Shape>): Broker {
  return {
    ...broker,
    commit: async (unit) => {
      const changed =
        fresh.size === 0
          ? []
          : [...fresh].filter(([id]) => [...unit.state, ...(unit.global ?? [])].some(({ store }) => store === id))
      if (changed.length === 0) return broker.commit(unit)
      const counts = await partitionsOf(broker, subtopology)
      const marks = [...changed, ...counts.map(([topic, count]) => [partitionsKey(topic), count] as const)]
      const changes = marks.map(([key, value]): StateChange => ({ store, key, value: encode(value) }))
      await broker.commit({ ...unit, state: [...unit.state, ...changes] })
      for (const [id] of changed) fresh.delete(id)
    },
  }
}

async function checkPartitions({ plan, subtopology, broker }: ShapedTask, state: StateReader): Promise<void> {
  for (const [topic, count] of await partitionsOf(broker, subtopology)) {
    const bytes = state.get(store, partitionsKey(topic))
    const before = bytes && decode<number>(bytes)
    if (before !== undefined && before !== count) throw otherPartitions(plan.name, topic, before, count)
  }
}

const sayGone = (id: string, { plan, partition, log }: ShapedTask): void =>
  log.warn(
    { step: id, partition },
    `${id} is no step of ${plan.name} any more: its state stays as it is, for when it comes back; \`oxbow reset\` deletes it`,
  )

async function remember(
  shapes: readonly (readonly [string, Shape])[],
  { plan, partition, member, broker }: ShapedTask,
): Promise<void> {
  if (shapes.length === 0) return
  const state = shapes.map(([key, shape]): StateChange => ({ store, key, value: encode(shape) }))
  const unit = { group: plan.name, task: stateOf(partition), outputs: [], offsets: [], state, counts: [] }
  await broker.commit({ ...unit, ...(member && { member }) })
}

const partitionsKey = (topic: string): string => `partitions/${topic}`

function shapeOf({ spec, config }: PlannedStep): Shape {
  return { kind: spec.name, config: JSON.stringify(spec.shape?.(config) ?? null) }
}

/** What keeps state: steps, and tables under their names. */
const shapesOf = ({ streams }: Subtopology): (readonly [id: string, Shape])[] =>
  streams.flatMap(({ steps, sinks }) => [
    ...steps.map((step) => [step.id, shapeOf(step)] as const),
    ...sinks.flatMap(({ table, global }) => [
      ...(table === undefined ? [] : [[table, { kind: 'table', config: 'null' }] as const]),
      ...(global === undefined ? [] : [[global, { kind: globalTable, config: 'null' }] as const]),
    ]),
  ])

function shapeIn(state: StateReader, id: string): Shape | undefined {
  const bytes = state.get(store, id)
  return bytes && decode<Shape>(bytes)
}

/** Rows of a global table are nowhere else once they were made; whether some are left, the task does not look. */
const isKeptIn = (state: StateReader, id: string, before: Shape | undefined): boolean =>
  before?.kind === globalTable || hasEntries(state, id)

function hasEntries(state: StateReader, id: string): boolean {
  for (const _ of state.entries(id)) return true
  return false
}

function checkSame({ plan, subtopology }: ShapedTask, id: string, before: Shape, now: Shape): void {
  if (before.kind !== now.kind)
    throw new StateUnusable(
      `${id} has state that \`${before.kind}\` made, and is \`${now.kind}\` now: ${remedy(plan.name)}`,
    )
  if (before.config === now.config) return
  const { spec } = subtopology.streams.flatMap(({ steps }) => steps).find((step) => step.id === id)!
  throw new StateUnusable(
    `${id} has state that was made with ${differing(spec, before, now)}, and the config says ${differing(spec, now, before)} now: change it back, or ${remedy(plan.name)}`,
  )
}

/** What one shape says and another does not, in the words of configs. */
function differing({ name, shapeText }: PlannedStep['spec'], one: Shape, other: Shape): string {
  const textOf = ({ config }: Shape) => shapeText?.(JSON.parse(config) as never) ?? []
  const own = textOf(one).filter((text) => !textOf(other).includes(text))
  return own.join(' and ') || `another config of \`${name}\``
}

const otherPartitions = (pipeline: string, topic: string, before: number, now: number): StateUnusable =>
  new StateUnusable(
    `${topic} had ${before} partitions when the state of ${pipeline} was made, and has ${now}: keys are in other partitions now, and their state is not; ${remedy(pipeline)}`,
  )

const remedy = (pipeline: string): string =>
  `give the stream another name, so that it begins anew beside it, or start ${pipeline} over (\`oxbow reset\`)`

async function partitionsOf(broker: Broker, subtopology: Subtopology): Promise<(readonly [string, number])[]> {
  const lanes = new Set(subtopology.sources.map(({ lane }) => lane))
  const topics = await broker.topics(inputsOf(subtopology).filter((topic) => !lanes.has(topic)))
  return topics.map(({ name, partitions }) => [name, partitions.length])
}

/** Steps that the state knows and the config does not, and that were not said to be gone. */
function goneFrom({ subtopologies }: Plan, state: StateReader): (readonly [string, Shape])[] {
  const known = new Set(subtopologies.flatMap(shapesOf).map(([id]) => id))
  return [...state.entries(store)].flatMap(([id, bytes]) => {
    if (known.has(id) || id.startsWith(partitionsKey(''))) return []
    const shape = decode<Shape>(bytes)
    return shape.gone || !isKeptIn(state, id, shape) ? [] : [[id, shape] as const]
  })
}
