export const guarantees = ['atLeastOnce', 'exactlyOnce'] as const
export type Guarantee = (typeof guarantees)[number]

/** What one run of a peer is to do. */
export interface Job {
  /** host:port */
  readonly kafka: string
  /** The consumer group, fresh for the run. */
  readonly group: string
  readonly guarantee: Guarantee
  readonly threads: number
  readonly input: string
  readonly output: string
  readonly dead: string
  /** Where its local state is; by default a place of the group's own for Kafka Streams, memory for Oxbow. */
  readonly directory?: string
  /** A file descriptor for what it says; by default Oxbow's log goes to standard error, what Kafka Streams says nowhere. */
  readonly journal?: number
}

/** What one run took. */
export interface Measurement {
  readonly peer: string
  readonly guarantee: Guarantee
  readonly threads: number
  readonly events: number
  /** From the start of the process until all outcomes could be read. */
  readonly seconds: number
  /** Records per second from the first outcome that could be read to the last: without the start. */
  readonly rate: number
  /** Peak of resident memory, in MiB. */
  readonly memory: number
  /** Seconds of CPU time, user and system, of the peer, and of the broker meanwhile. */
  readonly cpu: number
  readonly brokerCpu: number
  readonly lost: number
  readonly doubled: number
}
