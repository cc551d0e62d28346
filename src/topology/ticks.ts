import { Subscription, timer, type SchedulerLike } from 'rxjs'
import { encodeValue } from '../component/value.ts'
import type { Ending } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'
import { Lineage } from './lineage.ts'
import { longestTimer } from './pause.ts'
import type { PlannedSource, Subtopology } from './plan.ts'
import { originsOf } from './splitAtKeys.ts'
import type { StagedState } from './staged.ts'
import { sourcesOf } from './upstream.ts'
import type { Node } from './wire.ts'

export interface TicksHost {
  readonly nodes: Iterable<Node>
  readonly partition: number
  readonly scheduler: SchedulerLike
  readonly state: StagedState
  /** Runs what the clock brought at a node, as soon as no commit is under way. */
  later(node: string, action: () => void): void
  /** What no record caused leaves a node: a result, or how a record that it kept ends. */
  leave(node: Node, what: Record | Ending): void
}

/** Stands for the timer of what is due already. */
const underWay = Subscription.EMPTY

/** The operators of a task that have something to do when the clock says so. */
export class Ticks {
  readonly #host: TicksHost
  readonly #nodes: readonly Node[]
  readonly #waiting = new Map<Node, { readonly due: number; readonly timer: Subscription }>()

  constructor(host: TicksHost) {
    this.#host = host
    this.#nodes = [...host.nodes].filter(({ clock }) => clock)
  }

  /** Looks when they are due next: what is due by now is work that is under way, and needs no timer. */
  arm(): void {
    for (const node of this.#nodes) {
      if (this.#waiting.get(node)?.timer === underWay) continue
      this.#arm(node)
      const due = this.#waiting.get(node)?.due ?? Infinity
      if (due <= this.#host.scheduler.now()) this.#tickSoon(node, due)
    }
  }

  close(): void {
    for (const { timer } of this.#waiting.values()) timer.unsubscribe()
    this.#waiting.clear()
  }

  #arm(node: Node): void {
    const due = node.clock!.due()
    const waiting = this.#waiting.get(node)
    if (waiting?.due === due) return
    waiting?.timer.unsubscribe()
    this.#waiting.delete(node)
    if (due === undefined) return
    const left = Math.min(Math.max(0, due - this.#host.scheduler.now()), longestTimer)
    const waits = timer(left, this.#host.scheduler).subscribe(() => this.#host.later(node.id, () => this.#tick(node)))
    this.#waiting.set(node, { due, timer: waits })
  }

  #tickSoon(node: Node, due: number): void {
    this.#waiting.get(node)!.timer.unsubscribe()
    this.#waiting.set(node, { due, timer: underWay })
    this.#host.later(node.id, () => this.#tick(node))
  }

  #tick(node: Node): void {
    this.#waiting.delete(node)
    const now = this.#host.scheduler.now()
    const leaving = this.#host.state.attempt(
      (at: number) => node.clock!.tick(at),
      now,
      () => true,
    )
    for (const what of leaving) {
      const own = 'type' in what ? what.record : what
      const record = { ...own, origin: lineageOf(own, node, this.#host.partition) }
      this.#host.leave(node, 'type' in what ? { ...what, record } : record)
    }
    this.#arm(node)
  }
}

/** What no record caused is its own record: its letter holds it as JSON, with the origin of one that it was made of. */
function lineageOf(
  { key, value, headers, timestamp, origin, index }: Record,
  { id }: Node,
  partition: number,
): Lineage {
  const { source, topic, offset } = origin
  const raw = { topic, partition: origin.partition, offset, key, value: encodeValue(value), headers, timestamp }
  // Several may be let go at the same moment, each with an origin of its own.
  const own = [index, topic, origin.partition, offset].join('@')
  return new Lineage(source, raw, { topic: `${id}@${own}`, partition, offset: -1n }, id)
}

/** Operators that act by the clock are sources of what they let go then: this is how its failures are handled. */
export function tickSources(nodes: Iterable<Node>, { streams, sources }: Subtopology): PlannedSource[] {
  return [...nodes].flatMap((node): PlannedSource[] => {
    if (!node.clock) return []
    const reaching = sourcesOf(streams[node.stream]!.name, streams)
    const origins = originsOf(sources.filter(({ name }) => reaching.has(name)))
    return [{ ...sources[0]!, name: node.id, origins, deadLetters: origins.values().next().value!.deadLetters }]
  })
}
