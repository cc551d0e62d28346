/** How to reach a Kafka cluster, resolved: durations in milliseconds, files read, secrets in clear. */
export interface KafkaSettings {
  /** host:port */
  readonly brokers: readonly string[]
  readonly client: 'platformatic' | 'kafkajs'
  readonly clientId: string
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly timeouts: {
    readonly connect: number
    readonly request: number
    /** Without a heartbeat for so long, a member has left its group. */
    readonly session: number
    readonly heartbeat: number
    /** The broker aborts a transaction that is open for longer. */
    readonly transaction: number
    /** How long a unit tries to get through before it is given up and its task starts again. */
    readonly delivery: number
  }
  /** Replication factor of the topics that Oxbow creates; the broker's default when absent. */
  readonly replication?: number
  /** Encrypted connections; certificates and keys in PEM. */
  readonly tls?: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly passphrase?: string
    /** The name to expect in the broker's certificate. */
    readonly serverName?: string
  }
  readonly sasl?:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
        readonly username: string
        readonly password: string
      }
    /** The token is asked for anew for each connection. */
    | { readonly mechanism: 'oauthbearer'; readonly token: () => string }
}
