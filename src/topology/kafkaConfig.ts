import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { KafkaSettings } from '../broker/kafka/settings.ts'
import { duration } from '../component/fields.ts'

const address = () =>
  z.string().regex(/^(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}$/, 'expected host:port, such as "kafka-1:9092"')

const text = (about: string) => z.string().min(1).optional().describe(about)

const sasl = () =>
  z.strictObject({
    mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']),
    username: text('For PLAIN and SCRAM.'),
    password: text('For PLAIN and SCRAM; better from the environment, or from a file.'),
    passwordFile: text('A file that holds the password, such as a mounted secret.'),
    token: text('For OAUTHBEARER.'),
    tokenFile: text('A file that holds the token; it is read anew for each connection.'),
  })

const tls = () =>
  z.strictObject({
    ca: text('A file with the certificates to trust (PEM). Default: those of Node.'),
    cert: text('A file with the client’s certificate (PEM).'),
    key: text('A file with the client’s private key (PEM).'),
    passphrase: text('What the private key is locked with.'),
    serverName: text('The name to expect in the broker’s certificate, where it is not its host.'),
  })

const kafka = () =>
  z.strictObject({
    brokers: z.array(address()).min(1).describe('Some of the cluster’s nodes; the others are found.'),
    client: z
      .enum(['platformatic', 'kafkajs'])
      .optional()
      .describe('The client library that connects. Default `platformatic`.'),
    clientId: text('How brokers name this client in their logs and quotas. Default `oxbow`.'),
    tls: z.union([z.boolean(), tls()]).optional().describe('Encrypted connections; `true` trusts what Node trusts.'),
    sasl: sasl().optional().describe('Who connects.'),
    compression: z
      .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
      .optional()
      .describe('How batches are compressed. Default `none`.'),
    replication: z
      .int()
      .min(1)
      .max(32_767)
      .optional()
      .describe('Replication factor of the topics that Oxbow creates. Default: the cluster’s.'),
    timeouts: z
      .strictObject({
        connect: duration().optional().describe('Default `5s`.'),
        request: duration().optional().describe('How long an answer may take. Default `10s`.'),
        session: duration()
          .optional()
          .describe('Without a heartbeat for so long, a replica has left and others take over. Default `15s`.'),
        heartbeat: duration().optional().describe('Default: a fifth of the session.'),
        transaction: duration()
          .optional()
          .describe('What a dead replica left open is undone after so long. Default `15s`.'),
        delivery: duration()
          .optional()
          .describe('How long a unit tries to get through before its task starts again. Default `30s`.'),
      })
      .optional(),
  })

/** `kafka://host:port,host:port`: a cluster by one environment variable. */
const url = () =>
  z
    .string()
    .regex(/^kafka:\/\//)
    .transform((value) => ({ kafka: { brokers: value.slice('kafka://'.length).split(',') } }))
    .pipe(z.strictObject({ kafka: kafka() }))

/** Where topics live. */
export const broker = () =>
  z.union([z.literal('embedded'), url(), z.strictObject({ kafka: kafka() })], {
    error: 'expected "embedded", "kafka://host:port" or { kafka: { brokers: [...] } }',
  })

export type KafkaConfig = z.output<ReturnType<typeof kafka>>

/** A mistake in the connection settings that shows only when files are read. */
export class KafkaConfigError extends Error {
  override readonly name = 'KafkaConfigError'
  readonly path: readonly string[]

  constructor(path: readonly string[], message: string) {
    super(message)
    this.path = path
  }
}

/**
 * Connection settings with their defaults filled in and their files read.
 * @param directory where relative paths start
 * @throws KafkaConfigError
 */
export function kafkaSettings(config: KafkaConfig, directory: string): KafkaSettings {
  const { timeouts = {}, replication, tls, sasl } = config
  const session = timeouts.session ?? 15_000
  const read = (path: readonly string[], file: string): string => readFile(path, resolve(directory, file))
  return {
    brokers: config.brokers,
    client: config.client ?? 'platformatic',
    clientId: config.clientId ?? 'oxbow',
    compression: config.compression ?? 'none',
    timeouts: {
      connect: timeouts.connect ?? 5_000,
      request: timeouts.request ?? 10_000,
      session,
      heartbeat: timeouts.heartbeat ?? Math.ceil(session / 5),
      transaction: timeouts.transaction ?? 15_000,
      delivery: timeouts.delivery ?? 30_000,
    },
    ...(replication !== undefined && { replication }),
    ...(tls && { tls: tls === true ? {} : tlsSettings(tls, read) }),
    ...(sasl && { sasl: saslSettings(sasl, read) }),
  }
}

type ReadFile = (path: readonly string[], file: string) => string

function tlsSettings(tls: TlsConfig, read: ReadFile): NonNullable<KafkaSettings['tls']> {
  const { ca, cert, key, passphrase, serverName } = tls
  if ((cert === undefined) !== (key === undefined)) {
    throw new KafkaConfigError(['tls'], 'a client certificate needs both `cert` and `key`')
  }
  return {
    ...(ca !== undefined && { ca: read(['tls', 'ca'], ca) }),
    ...(cert !== undefined && { cert: read(['tls', 'cert'], cert) }),
    ...(key !== undefined && { key: read(['tls', 'key'], key) }),
    ...(passphrase !== undefined && { passphrase }),
    ...(serverName !== undefined && { serverName }),
  }
}

type TlsConfig = z.output<ReturnType<typeof tls>>
type SaslConfig = z.output<ReturnType<typeof sasl>>

function saslSettings(config: SaslConfig, read: ReadFile): NonNullable<KafkaSettings['sasl']> {
  const { mechanism, username, password, passwordFile, token, tokenFile } = config
  if (mechanism === 'oauthbearer') {
    if (token === undefined && tokenFile === undefined) {
      throw new KafkaConfigError(['sasl'], 'oauthbearer needs `token` or `tokenFile`')
    }
    return { mechanism, token: () => token ?? read(['sasl', 'tokenFile'], tokenFile!).trim() }
  }
  if (username === undefined || (password === undefined && passwordFile === undefined)) {
    throw new KafkaConfigError(['sasl'], `${mechanism} needs \`username\`, and \`password\` or \`passwordFile\``)
  }
  return { mechanism, username, password: password ?? read(['sasl', 'passwordFile'], passwordFile!).trim() }
}

function readFile(path: readonly string[], file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new KafkaConfigError(path, `${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`)
  }
}

/** What of the settings must never be shown. */
export const secretsOf = ({ tls, sasl }: KafkaSettings): string[] =>
  [tls?.key, tls?.passphrase, ...(sasl?.mechanism === 'oauthbearer' ? [sasl.token()] : [sasl?.password])].filter(
    (secret) => secret !== undefined,
  )
