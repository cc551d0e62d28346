import { globalTask, type Unit } from '../broker.ts'
import type { GroupStart } from '../reset.ts'
import { openDatabase, type Database } from './database.ts'
import { openLedger, type Ledger } from './ledger.ts'
import { openLog, type Log } from './log.ts'
import { openOffsets, type Offsets } from './offsets.ts'
import { openTopic, type Append } from './producer.ts'
import { openState, type StateTable } from './state.ts'

/** All that the broker keeps, over one connection. */
export interface Tables {
  readonly database: Database
  readonly log: Log
  readonly offsets: Offsets
  readonly state: StateTable
  readonly ledger: Ledger
}

/** A unit with its records packed for their partitions. */
export interface PackedUnit extends Omit<Unit, 'outputs'> {
  readonly appends: readonly Append[]
  /** The time to go by when this unit also deletes what retention no longer keeps. */
  readonly expire?: number
}

/** Opens the database at a path, or in memory. @throws BrokerError when it is none of this version of Oxbow */
export function openTables(file: string, readOnly: boolean): Tables {
  const database = openDatabase(file, readOnly ? 'read' : 'write')
  const log = openLog(database)
  return {
    database,
    log,
    offsets: openOffsets(database, log),
    state: openState(database),
    ledger: openLedger(database),
  }
}

/** Writes a unit as one transaction, durable when it returns. @throws BrokerError when none of it was written */
export function writeUnit({ database, log, offsets, state, ledger }: Tables, unit: PackedUnit): void {
  database.write(() => {
    for (const { topic, partition, batches } of unit.appends) log.append(openTopic(log, topic), partition, batches)
    offsets.commit(unit.group, unit.offsets)
    state.change(unit.group, unit.task, unit.state)
    if (unit.global) state.change(unit.group, globalTask, unit.global)
    ledger.add(unit.group, unit.counts)
    if (unit.expire !== undefined) log.expire(unit.expire)
  })
}

/** Has a group start over; to be called inside a transaction. */
export function resetGroup({ log, offsets, state, ledger }: Tables, group: string, start: GroupStart): void {
  state.clear(group)
  ledger.clear(group)
  offsets.clear(group)
  for (const name of start.topics) {
    const topic = log.find(name)
    if (topic) log.remove(topic)
  }
  offsets.commit(group, start.offsets)
}
