import type { GroupMember, Lag, StandbyInfo } from '../broker/broker.ts'
import type { Conservation } from './conservation.ts'
import type { MeterReading } from './meter.ts'
import type { Plan } from './plan.ts'
import type { StoreAnswer, StoreQuery } from './stores.ts'

/** What one thread has of a pipeline. */
export interface Share {
  /** 0 for the main thread. */
  readonly thread: number
  /** Its term in the consumer group; absent before the first, and where a broker has no groups of several members. */
  readonly member?: GroupMember
  /** The ids of its tasks. */
  readonly tasks: readonly string[]
  /** The copies that it keeps of state that other members have. */
  readonly standbys: readonly StandbyInfo[]
  /** Whether it reads: with `once`, what cannot be read is given up. */
  readonly reads: boolean
}

/** How far a thread has come in a partition that it has. */
export interface ThreadLag extends Lag {
  readonly thread: number
  /** The id of the group's member. */
  readonly member?: string
}

/** What a pipeline shows of itself at one moment. */
export interface PipelineStatus {
  /** Whether it was started, and not stopped since. */
  readonly started: boolean
  /** Why parts of the pipeline are not running; empty when all is well. */
  readonly troubles: readonly string[]
  /** Since it started. */
  readonly meter: MeterReading
  readonly shares: readonly Share[]
}

/** A pipeline that runs, in whichever threads. */
export interface RunningPipeline {
  readonly plan: Plan
  readonly name: string
  status(): Promise<PipelineStatus>
  /** How far each partition of this process is from its end. */
  lag(): Promise<readonly ThreadLag[]>
  /** The state of the partitions of this process. */
  stores(query: StoreQuery): Promise<StoreAnswer>
  /** Source records per source and stream since the pipeline first ran, its retry pipeline's part in it included. */
  conservation(): Promise<readonly Conservation[]>
  /** Creates missing topics, joins the group and starts to read. Throws what is wrong with a component's set-up. */
  start(): Promise<void>
  /**
   * Resolves when every connector waits, all records are processed and committed, and no call is under way: nothing will
   * happen before the clock moves or something arrives. With `settled`, also when nothing waits for a timer. Resolves
   * at once when the pipeline is stopped.
   */
  quiet(options?: { readonly settled?: boolean }): Promise<void>
  /** Ends the input of operators that hold records, so that they let go of them. */
  flush(): Promise<void>
  /** Stops reading, lets the units in work commit, abandons the rest. */
  stop(): Promise<void>
}
