import { BrokerError } from './broker.ts'

/** @throws BrokerError when Kafka would not allow a topic of that name */
export function checkTopicName(name: string): void {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new BrokerError(
    `${JSON.stringify(name)} cannot be the name of a topic. Use 1 to 249 of the characters a-z A-Z 0-9 . _ - (not "." or ".." alone).`,
  )
}
