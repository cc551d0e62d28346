import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import type { Broker } from '../broker/broker.ts'
import type { Log } from '../component/context.ts'
import type { KafkaSettings } from '../broker/kafka/settings.ts'
import { KafkaConfigError, kafkaSettings, secretsOf } from '../topology/kafkaConfig.ts'
import { ConfigError, readConfig, type ConfigFile } from '../topology/read.ts'

/** Which broker a command works on. */
export interface BrokerOptions {
  /** `defaultData` when absent. */
  readonly data?: string
  readonly kafka?: readonly string[]
}

/** Which broker a command works on that is about no config: it may take the connection of one. */
export interface ConnectionOptions extends BrokerOptions {
  readonly config?: string
}

/** Where the topics are that a command works on. */
export type BrokerPlace =
  | { readonly kind: 'embedded'; readonly directory: string }
  | {
      readonly kind: 'kafka'
      readonly settings: KafkaSettings
      readonly guarantee: 'exactlyOnce' | 'atLeastOnce'
      /** Where pipelines that run keep local copies of their state; in memory when absent. */
      readonly directory?: string
    }

export const defaultData = './.oxbow'

/** Adds the options that every command has which touches records. */
export const withBroker = (command: Command): Command =>
  command
    .option('--data <dir>', `directory of the embedded broker (default: "${defaultData}")`, directory)
    .option('--kafka <brokers>', 'a Kafka cluster instead, as host:port,host:port', addresses)

/** The same for commands without a config. */
export const withConnection = (command: Command): Command =>
  withBroker(command).option('--config <file>', 'connection settings of a config')

function directory(text: string): string {
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('expected a directory, such as ./.oxbow.')
}

function addresses(text: string): readonly string[] {
  const list = text.replace(/^kafka:\/\//, '').split(',')
  if (list.every((each) => /^(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}$/.test(each))) return list
  throw new InvalidArgumentError('expected host:port, or several of them with commas between.')
}

/**
 * The broker of the options, or else of the config: `--kafka` names other nodes for the settings that the config has.
 * @throws ConfigError for files of the connection settings that cannot be read
 */
export function placeOf({ data, kafka }: BrokerOptions, file?: ConfigFile): BrokerPlace {
  const broker = file?.config.broker ?? 'embedded'
  if (kafka === undefined && broker === 'embedded') return { kind: 'embedded', directory: data ?? defaultData }
  const own = broker === 'embedded' ? { brokers: [] } : broker.kafka
  const guarantee = file?.config.guarantee ?? 'exactlyOnce'
  try {
    const settings = kafkaSettings({ ...own, brokers: [...(kafka ?? own.brokers)] }, file?.directory ?? process.cwd())
    return { kind: 'kafka', settings, guarantee, ...(data !== undefined && { directory: data }) }
  } catch (thrown) {
    if (!(thrown instanceof KafkaConfigError) || !file) throw thrown
    throw new ConfigError([file.problem(['broker', 'kafka', ...thrown.path], thrown.message)])
  }
}

/** What of a place must never be shown. */
export const secretsIn = (place: BrokerPlace): readonly string[] =>
  place.kind === 'kafka' ? secretsOf(place.settings) : []

/** Whether anything is there yet. A cluster is there, or else it cannot be reached. */
export const hasData = (place: BrokerPlace): boolean =>
  place.kind === 'kafka' || existsSync(join(place.directory, 'oxbow.db'))

/**
 * @param use to read only, to append too, or to run pipelines, which one process at a time may do on the embedded broker
 * @param running the thread that it is for, 0 for the main thread, and the log that is told of long restores
 */
export async function openPlace(
  place: BrokerPlace,
  use: 'read' | 'append' | 'run',
  running: { readonly thread?: number; readonly log?: Log } = {},
): Promise<Broker> {
  if (place.kind === 'kafka') {
    const { openKafka } = await import('../broker/kafka/kafka.ts')
    const { settings, guarantee, directory } = place
    const { thread, log } = running
    return openKafka({
      settings,
      guarantee,
      ...(thread !== undefined && { thread }),
      ...(use === 'run' && directory !== undefined && { directory }),
      ...(log && { notes: log }),
    })
  }
  const { openEmbedded } = await import('../broker/embedded/embedded.ts')
  return openEmbedded({ directory: place.directory, readOnly: use === 'read', owner: use === 'run' })
}

/** Where the topics are of a command without a config. @throws ConfigError for a config that is named and wrong */
export const connectionOf = async (options: ConnectionOptions): Promise<BrokerPlace> =>
  placeOf(options, await namedConfig(options))

/** The broker of a command without a config. @throws ConfigError for a config that is named and wrong */
export const openBroker = async (options: ConnectionOptions, use: 'read' | 'append'): Promise<Broker> =>
  openPlace(await connectionOf(options), use)

async function namedConfig({ config }: ConnectionOptions): Promise<ConfigFile | undefined> {
  if (config === undefined) return undefined
  // Reading a config loads every component, which is not needed otherwise.
  const { catalog } = await import('../catalog.ts')
  return readConfig(config, catalog, process.env)
}
