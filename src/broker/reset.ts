import { BrokerError, type Broker } from './broker.ts'

/** Where a group is to start over. */
export type GroupStart = Parameters<Broker['reset']>[1]

export const isRunning = (group: string): BrokerError =>
  new BrokerError(`${group} is running: stop it before it starts over, in every process that it has.`)
