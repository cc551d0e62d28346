import { InvalidArgumentError, type Command } from 'commander'
import type { Broker } from '../broker/broker.ts'
import { UsageError } from './failure.ts'

/** Which broker a command works on. */
export interface BrokerOptions {
  readonly data: string
  readonly kafka?: string
}

export const noKafka =
  'the Kafka adapter is not in this version of Oxbow yet; the embedded broker is (`broker: embedded`, `--data DIR`)'

/** Adds the options that every command has which touches records. */
export const withBroker = (command: Command): Command =>
  command
    .option('--data <dir>', 'directory of the embedded broker', directory, './.oxbow')
    .option('--kafka <brokers>', 'a Kafka cluster instead, as host:port,… (not in this version yet)')

function directory(text: string): string {
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('expected a directory, such as ./.oxbow.')
}

/** Fails for what this version cannot reach, before anything else is done. @throws UsageError */
export function checkBroker({ kafka }: BrokerOptions): void {
  if (kafka !== undefined) throw new UsageError(noKafka)
}

/** @param use to read only, to append too, or to run pipelines, which one process at a time may do */
export async function openBroker(options: BrokerOptions, use: 'read' | 'append' | 'run'): Promise<Broker> {
  checkBroker(options)
  const { openEmbedded } = await import('../broker/embedded/embedded.ts')
  return openEmbedded({ directory: options.data, readOnly: use === 'read', owner: use === 'run' })
}
