import { BrokerError } from './broker.ts'

/** @throws BrokerError for a number of records that nobody can be given */
export function checkMaxRecords(maxRecords: number): void {
  if (Number.isSafeInteger(maxRecords) && maxRecords > 0) return
  throw new BrokerError(`maxRecords is ${maxRecords}: it must be a whole number, at least 1.`)
}
