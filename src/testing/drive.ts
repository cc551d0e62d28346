import type { Broker } from '../broker/broker.ts'
import { openEmbedded } from '../broker/embedded/embedded.ts'
import type { Log } from '../component/context.ts'
import { stateOf } from '../topology/held.ts'
import type { Conservation } from '../topology/pipeline.ts'
import type { Plan } from '../topology/plan.ts'
import { capturedAtSink, type Captured } from './captured.ts'
import { VirtualClock } from './clock.ts'
import { Feed } from './feed.ts'
import { findBrokenLaws } from './law.ts'
import { Life, type LifeParts } from './life.ts'
import { RecordFaults } from './recordFaults.ts'
import type { Scenario } from './scenario.ts'
import { readStores, type Stores } from './stores.ts'
import { writeTime } from './timeline.ts'
import { UnitFaults, type Guarantee } from './unitFaults.ts'
import { Watch } from './watch.ts'
import { endsWithin } from './watchdog.ts'

export interface DriveOptions {
  readonly plan: Plan
  readonly scenario: Scenario
  /** The topology that watches the plan's dead letters, given the test's broker. */
  readonly monitor?: ((broker: Broker) => Plan | undefined) | undefined
  /** Real milliseconds for which nothing may come of asynchronous calls; 5000 when absent. */
  readonly patience?: number | undefined
  /** What a crash may do; exactly once when absent. */
  readonly guarantee?: Guarantee | undefined
  /** What operators read beside what they keep in the test. */
  readonly overlay?: StateOverlay | undefined
}

/** State that lies under that of a test. */
export interface StateOverlay {
  /** The broker that the pipeline is given instead. */
  over(broker: Broker): Broker
  /** The pipeline has started: from now on it reads for records. */
  started(): void
}

/** What a topology did in a test. */
export interface Driven extends Stores {
  /** By outlet, in order. */
  readonly captured: ReadonlyMap<string, readonly Captured[]>
  /** The frame at which an outlet was done: its sources had ended, and none of their records was under way. */
  readonly ends: ReadonlyMap<string, number>
  readonly conservation: readonly Conservation[]
  /** How the laws of conservation and of stable ids were broken; empty when they were not. */
  readonly broken: readonly string[]
  /** Faults of the test that did not come about. */
  readonly missed: readonly string[]
  /** Warnings and errors that were logged. */
  readonly logged: readonly string[]
}

/** Records that an operator does not let go of. */
export class TestHang extends Error {
  override readonly name = 'TestHang'
}

/** Real milliseconds that calls get before the clock moves: they may wait for the clock themselves. */
const grace = 250
/** Virtual milliseconds for which records may be under way after the inputs have ended. */
const longest = 400 * 86_400_000
/** Virtual milliseconds that a part of the pipeline that stopped gets to recover after the inputs have ended. */
const recovery = 600_000

/**
 * Runs a whole topology on virtual time over a broker in memory, until the last frame that is drawn, and where all inputs
 * end until nothing is under way.
 * @throws TestHang, and what setting a component up throws
 */
export async function drive(options: DriveOptions): Promise<Driven> {
  const clock = new VirtualClock(options.scenario.at)
  const broker = await openEmbedded({ directory: ':memory:', now: () => clock.now() })
  try {
    return await new Driver(options, clock, broker).run()
  } finally {
    await broker.close()
  }
}

class Driver {
  readonly #clock: VirtualClock
  readonly #broker: Broker
  readonly #patience: number
  readonly #watch: Watch
  readonly #feed: Feed
  readonly #lifeParts: LifeParts
  readonly #overlay: StateOverlay | undefined
  readonly #scenario: Scenario
  #life: Life
  readonly #logged: string[] = []
  /** The frame after the inputs at which all parts of the pipeline ran last. */
  #wellAt: number

  constructor(options: DriveOptions, clock: VirtualClock, broker: Broker) {
    const { plan, scenario, monitor, patience = 5_000, guarantee = 'exactlyOnce', overlay } = options
    this.#overlay = overlay
    this.#scenario = scenario
    this.#clock = clock
    this.#broker = broker
    this.#patience = patience
    this.#watch = new Watch(scenario.outlets, plan, broker)
    this.#feed = new Feed(scenario, plan, broker, clock)
    this.#wellAt = this.#feed.until
    this.#lifeParts = {
      plan,
      monitor,
      broker: overlay?.over(broker) ?? broker,
      scheduler: clock,
      log: keepLog(this.#logged),
      capture: (sink, record) => this.#watch.add(sink, capturedAtSink(record, clock.frame)),
      recordFaults: new RecordFaults(scenario.faults.records),
      unitFaults: new UnitFaults(scenario.faults, plan.name, guarantee),
    }
    this.#life = new Life(this.#lifeParts)
  }

  async run(): Promise<Driven> {
    try {
      await this.#keepBefore()
      await this.#life.start()
      this.#overlay?.started()
      this.#feed.schedule()
      await this.#settle()
      while (this.#goesOn()) {
        this.#clock.step()
        await this.#settle()
      }
      return await this.#result()
    } finally {
      await this.#stop()
    }
  }

  async #keepBefore(): Promise<void> {
    const { own, global } = this.#scenario.before
    const { name: group } = this.#lifeParts.plan
    if (own.length + global.length === 0) return
    await this.#broker.commit({ group, task: stateOf(0), outputs: [], offsets: [], counts: [], state: own, global })
  }

  #goesOn(): boolean {
    const { next } = this.#clock
    if (next !== undefined && next <= this.#feed.until) return true
    if (!this.#feed.ended || !(this.#isMoving() || this.#isToRecover) || this.#isBroken()) return false
    if (next === undefined || next > this.#feed.until + longest) throw this.#hang('and nothing will let go of them')
    return true
  }

  /** Whether something is in flight that does not wait behind a dead letter. */
  #isMoving(): boolean {
    return this.#life.running.some(({ inFlight, blocked }) => inFlight > blocked)
  }

  /** A part of the pipeline stopped by a fault of the test, and will start again. */
  get #isToRecover(): boolean {
    return this.#lifeParts.unitFaults.any && !this.#isWell
  }

  get #isWell(): boolean {
    return this.#life.running.every(({ troubles }) => troubles.length === 0)
  }

  /** A part of the pipeline stopped, and starting it again does not help. */
  #isBroken(): boolean {
    if (this.#isWell) this.#wellAt = this.#clock.frame
    return this.#clock.frame - this.#wellAt > recovery
  }

  /** Waits for all that happens at this frame, and takes down what came out. */
  async #settle(): Promise<void> {
    await this.#feed.appended
    await this.#quiet()
    let life
    while (this.#feed.ended && this.#isMoving() && life !== this.#life) {
      life = this.#life
      await life.flush()
      await this.#quiet()
    }
    const { frame } = this.#clock
    await this.#watch.look(frame)
    const ended = this.#feed.endedSources
    if (ended.size === 0 || this.#isToRecover) return
    const busy = (await this.#life.pipeline.conservation()).filter(({ inFlight }) => inFlight > 0)
    this.#watch.close(frame, (source) => ended.has(source) && !busy.some((row) => row.source === source))
  }

  /** Until all is quiet, in a new life where the one before it crashed. */
  async #quiet(): Promise<void> {
    await this.#untilQuiet()
    while (this.#life.crashed) {
      await this.#stop()
      this.#life = new Life(this.#lifeParts)
      await this.#life.start()
      await this.#untilQuiet()
    }
  }

  /** Where calls do not end, the clock moves on: they may be waiting for it. */
  async #untilQuiet(): Promise<void> {
    const quiet = this.#life.quiet()
    for (let waited = 0; !(await endsWithin(quiet, grace)); waited += grace) {
      if (waited + grace >= this.#patience) throw this.#hang(`and nothing happened for ${writeTime(this.#patience)}`)
      this.#clock.step()
    }
  }

  async #result(): Promise<Driven> {
    const { captured, ends } = this.#watch
    const { plan, recordFaults, unitFaults } = this.#lifeParts
    const { pipeline, running } = this.#life
    const conservation = await pipeline.conservation()
    const broken = await findBrokenLaws(running, this.#broker, captured, unitFaults.repeats)
    const missed = [...recordFaults.missed, ...unitFaults.missed]
    const stores = await readStores(plan, this.#broker)
    return { captured, ends, ...stores, conservation, broken, missed, logged: this.#logged }
  }

  async #stop(): Promise<void> {
    const stopped = this.#life.stop()
    // A commit may be waiting, for a moment of virtual time, for calls that do not end.
    while (!(await endsWithin(stopped, grace)) && this.#clock.next !== undefined) this.#clock.step()
  }

  #hang(reason: string): TestHang {
    const places = this.#life.running.flatMap((pipeline) => [...pipeline.places])
    const inFlight = this.#life.running.reduce((sum, pipeline) => sum + pipeline.inFlight, 0)
    const counted = places.map(([place, count]) => `${count} at ${place}`)
    const where = counted.length > 0 ? counted.join(', ') : `${inFlight} in no operator`
    return new TestHang(`records are under way at ${writeTime(this.#clock.frame)} of virtual time, ${reason}: ${where}`)
  }
}

function keepLog(lines: string[]): Log {
  const keep = (_: object, message: string) => void lines.push(message)
  return { debug() {}, info() {}, warn: keep, error: keep }
}
