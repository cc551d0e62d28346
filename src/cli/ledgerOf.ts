import { createHash } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import type { Broker } from '../broker/broker.ts'
import { makeDirectory } from '../broker/embedded/directory.ts'
import { Ledger } from '../deadletter/ledger/ledger.ts'
import type { BrokerPlace } from './brokerOptions.ts'

/** One that this version cannot read is left alone, and another is made beside it. */
const version = 4

/** The ledger of a broker's dead letters; its index is kept in the data directory, where there is one that can be written. */
export const ledgerOf = (place: BrokerPlace, broker: Broker): Ledger => new Ledger(broker, indexFile(place))

function indexFile(place: BrokerPlace): string | undefined {
  if (place.directory === undefined) return undefined
  if (place.kind === 'kafka') makeDirectory(place.directory)
  else if (!isWritable(place.directory)) return undefined
  return join(
    place.directory,
    `letters${place.kind === 'kafka' ? `-${clusterOf(place.settings.brokers)}` : ''}.${version}.db`,
  )
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Several clusters may be looked at with one data directory. */
const clusterOf = (brokers: readonly string[]): string =>
  createHash('sha256').update(brokers.toSorted().join()).digest('hex').slice(0, 8)
