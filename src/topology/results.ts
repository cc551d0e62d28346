import type { Format } from '../component/source.ts'
import { writeTable } from '../component/tableStore.ts'
import { encodeValue } from '../component/value.ts'
import { asFault, RecordedFault, type Fault } from '../record/fault.ts'
import { fail, type Outcome } from '../record/outcome.ts'
import type { OutputRecord, Record } from '../record/record.ts'
import type { Lineage } from './lineage.ts'
import type { PlannedSink } from './plan.ts'
import { madeBy, type Made, type Refusals } from './refusals.ts'
import { repartitioned } from './repartition.ts'
import type { SinkNode } from './wire.ts'

type Emit = Extract<Outcome, { readonly type: 'emit' }>

/** What an operator said of a record; its failure where results cannot be followed, or lead nowhere. */
export function followable(operator: string, outcome: Outcome, branches: ReadonlyMap<string, unknown>): Outcome {
  if (outcome.type !== 'emit') return outcome
  const { record, results, branch } = outcome
  if (results.some(({ origin }) => origin !== record.origin)) {
    const message = `${operator} emitted a record without the origin of its input; derive results with withValue().`
    return fail(record, new RecordedFault('operator.lost_origin', message))
  }
  if (branch === undefined || branches.has(branch)) return outcome
  const message = `${operator} emitted to the branch "${branch}", which no stream reads.`
  return fail(record, new RecordedFault('operator.unknown_branch', message))
}

/** The results of one record, each with an index of its own: it is part of a letter's id, and of the key of a record under way. */
export function toldApart({ record, results }: Emit): readonly Record[] {
  if (results.length < 2 || new Set(results.map(({ index }) => index)).size === results.length) return results
  return results.map((result, n) => ({ ...result, index: `${record.index}.${n}` }))
}

/** What a record is in the unit of its task, or the fault that says why it cannot be in it. */
interface Written {
  readonly output?: OutputRecord
  readonly made?: Made
  readonly fault?: Fault
}

/** Puts a record into a topic or a table. @returns undefined for a sink that is no part of the unit */
export function writtenTo({ sink, table }: SinkNode, record: Record, refusals: Refusals): Written | undefined {
  const { id, topic, repartition, toPartition } = sink
  try {
    if (table) {
      writeTable(table, (sink.table ?? sink.global)!, record)
      return {}
    }
    if (topic === undefined && repartition === undefined) return undefined
    const refused = refusals.fault(id, record)
    if (refused) return { fault: refused }
    const problem = problemOf(record)
    if (problem) return { fault: new RecordedFault('record.malformed', `The record cannot be written: ${problem}.`) }
    const output = repartition === undefined ? asOutput(topic!, record) : repartitioned(repartition, record)
    const named = toPartition && { partition: (record.value as { readonly partition: number }).partition }
    return { output: named ? { ...output, ...named } : output, made: madeBy(id, record) }
  } catch (thrown) {
    return { fault: asFault(id, thrown) }
  }
}

const asOutput = ({ name, format }: NonNullable<PlannedSink['topic']>, record: Record): OutputRecord => ({
  topic: name,
  key: record.key,
  value: bytesOf(record, format),
  headers: record.headers,
  timestamp: record.timestamp,
})

/** A value that no step changed keeps its bytes: numbers beyond a double, their spelling, a JSON null that is no tombstone. */
function bytesOf({ value, origin }: Record, format: Format): Buffer | null {
  const { read, raw } = origin as Lineage
  return read && read.value === value && read.format === format ? raw.value : encodeValue(value, format)
}

/** The last moment that a Date can hold, in milliseconds. */
const lastMoment = 8.64e15

/** Whether a topic can keep it: whole milliseconds since 1970. */
export const isTimestamp = (time: unknown): time is number =>
  Number.isInteger(time) && (time as number) >= 0 && (time as number) <= lastMoment

/** An operator's code may come without types. */
function problemOf({ key, headers, timestamp }: Record): string | undefined {
  if (key !== null && !(key instanceof Uint8Array)) return `its key is a ${typeof key}, expected a Buffer or null`
  if (!isTimestamp(timestamp)) {
    return `its timestamp is ${String(timestamp)}, expected whole milliseconds since 1970`
  }
  if (!(headers instanceof Array)) return 'its headers are no list'
  const odd = headers.find(
    ([name, value]) => typeof name !== 'string' || !(value === null || value instanceof Uint8Array),
  )
  return odd && `its header ${String(odd[0])} is not a name and a Buffer or null`
}
