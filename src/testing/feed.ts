import type { Broker } from '../broker/broker.ts'
import type { Plan, PlannedSource } from '../topology/plan.ts'
import type { VirtualClock } from './clock.ts'
import { asInput } from './letter.ts'
import type { Scenario } from './scenario.ts'

/** Appends the given records to the topics of their sources, each at its frame. */
export class Feed {
  readonly #scenario: Scenario
  readonly #sources: readonly PlannedSource[]
  readonly #broker: Broker
  readonly #clock: VirtualClock
  /** The appends of this frame. */
  appended: Promise<unknown> = Promise.resolve()
  /** The last frame that anything in the test is drawn at. */
  readonly until: number

  constructor(scenario: Scenario, plan: Plan, broker: Broker, clock: VirtualClock) {
    this.#scenario = scenario
    this.#sources = plan.subtopologies.flatMap(({ sources }) => sources)
    this.#broker = broker
    this.#clock = clock
    const timelines = [...scenario.inputs, ...scenario.expectations].map(({ timeline }) => timeline)
    this.until = Math.max(0, ...timelines.map(({ length }) => length - 1))
  }

  schedule(): void {
    for (const { source, timeline } of this.#scenario.inputs) {
      const { format } = this.#sources.find(({ name }) => name === source)!
      const frames = Map.groupBy(timeline.marks, ({ frame }) => frame)
      for (const [frame, marks] of frames) {
        this.#clock.schedule(
          () =>
            this.#append(
              source,
              format,
              marks.map(({ letter }) => letter),
            ),
          frame,
        )
      }
      if (timeline.end !== undefined) this.#clock.schedule(() => {}, timeline.end)
    }
    this.#clock.schedule(() => {}, this.until)
  }

  /** The sources that will bring no more, among them those that the test gives nothing. */
  get endedSources(): ReadonlySet<string> {
    const open = this.#scenario.inputs.filter(({ timeline: { end } }) => end === undefined || end > this.#clock.frame)
    const names = this.#sources.map(({ name }) => name)
    return new Set(names.filter((name) => !open.some(({ source }) => source === name)))
  }

  get ended(): boolean {
    return this.endedSources.size === this.#sources.length
  }

  #append(source: string, format: PlannedSource['format'], letters: readonly string[]): void {
    const now = this.#clock.now()
    const outputs = letters.map((letter) => asInput(this.#scenario.letters.get(letter)!, source, format, now))
    const unit = { group: 'test', task: source, outputs, offsets: [], state: [], counts: [] }
    this.appended = Promise.all([this.appended, this.#broker.commit(unit)])
  }
}
