import type { Convention } from '../component/convention.ts'
import { eventTime } from '../component/eventTime.ts'
import { readLetter, type Letter } from '../deadletter/readLetter.ts'
import { Fault, RecordedFault } from '../record/fault.ts'
import type { Header, RawRecord, Record, StoredRecord } from '../record/record.ts'
import { readValue } from './append.ts'
import { Lineage } from './lineage.ts'
import type { PlannedSource } from './plan.ts'

/** What streams get of a source record, or the fault that says why it cannot be read. */
export type Contents = { readonly record: Record } | { readonly fault: Fault }

/** Reads a source record: its value by the source's format and, where the source holds dead letters, the record that failed. */
export function contentsOf(lineage: Lineage, source: PlannedSource): Contents {
  const { raw } = lineage
  const given = source.spec.letters ? failedRecord(lineage, source.spec.letters(source.config)) : raw
  if ('fault' in given) return given
  const read = readValue(given, source)
  if ('fault' in read) return read
  const { value } = read
  // Only what is the topic's own record is written as it came when nobody changed it.
  if (given.value === raw.value) lineage.read = { value, format: source.format }
  const { key, headers, timestamp } = given
  return timed({ key, value, headers, timestamp, origin: lineage, index: '' }, source)
}

/** With the time of its event for a timestamp, where the source says how to tell it. */
function timed(record: Record, { timestamp: at }: PlannedSource): Contents {
  if (at === undefined) return { record }
  try {
    return { record: { ...record, timestamp: eventTime(at, record, record.timestamp) } }
  } catch (thrown) {
    if (thrown instanceof Fault) return { fault: thrown }
    throw thrown
  }
}

/** The timestamp that a source record has for streams; its own where it cannot be read. */
export function timestampOf(record: StoredRecord, source: PlannedSource): number {
  if (source.timestamp === undefined) return record.timestamp
  const contents = contentsOf(new Lineage(source.name, record), source)
  return 'fault' in contents ? record.timestamp : contents.record.timestamp
}

function failedRecord(lineage: Lineage, convention: Convention | 'auto'): RawRecord | { readonly fault: Fault } {
  const { raw, topic, partition, offset } = lineage
  const letter = readLetter({ ...raw, topic, partition, offset }, convention)
  if (letter) return { ...letter.record, headers: [...letter.record.headers, ...factsAsHeaders(letter)] }
  // What is sent back to a queue is the record that failed already.
  if (convention === 'auto' || lineage.byLane) return raw
  return {
    fault: new RecordedFault('letter.unreadable', `The record is no dead letter of the convention "${convention}".`),
  }
}

/** The facts that an expression may ask for, under the names that they have on Oxbow's own letters. */
export function factsAsHeaders({
  convention,
  pipeline,
  source,
  operator,
  fault,
  fingerprint,
  attempts,
  hops,
  origin,
  failedAt,
}: Letter): Header[] {
  const facts = {
    convention,
    pipeline,
    source,
    operator,
    'fault.code': fault.code,
    'fault.message': fault.message,
    fingerprint,
    attempts: String(attempts),
    hops: String(hops),
    'origin.topic': origin.topic,
    'origin.partition': String(origin.partition),
    'origin.offset': String(origin.offset),
    'failed-at': new Date(failedAt).toISOString(),
  }
  return Object.entries(facts).map(([name, text]) => [`dlq.${name}`, Buffer.from(text)])
}
