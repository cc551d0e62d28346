import { map, tap, type OperatorFunction } from 'rxjs'
import type { Step } from '../component/operator.ts'
import type { StateStore } from '../component/state.ts'
import type { Fault } from '../record/fault.ts'
import { fail, type Outcome } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'
import type { PlannedStep } from '../topology/plan.ts'
import type { RecordFaults } from './recordFaults.ts'

type Call = (record: Record) => Outcome

/**
 * A step at which the records fail that a test says. Where it is worst for what answers at once: it works, and fails when
 * it has changed its state for the first time, or at its end where it changes nothing. A call that is awaited fails
 * instead of being made, and a timed operator's record when it leaves.
 */
export function failing(step: PlannedStep, faults: RecordFaults): PlannedStep {
  const { id, spec } = step
  const right = `${id}.right`
  if (!faults.concerns(id) && !faults.concerns(right)) return step
  return {
    ...step,
    spec: {
      ...spec,
      build(config, context) {
        const trap = new Trap(context.state)
        const built = spec.build(config, { ...context, state: trap.state })
        const inside =
          (place: string, call: Call): Call =>
          (record) =>
            trap.run(call, record, faults.faultOf(place, record))
        return wrapped(built, { left: (call) => inside(id, call), right: (call) => inside(right, call) }, (record) =>
          faults.faultOf(id, record),
        )
      },
    },
  }
}

function wrapped(
  step: Step,
  inside: { readonly left: (call: Call) => Call; readonly right: (call: Call) => Call },
  faultOf: (record: Record) => Fault | undefined,
): Step {
  if (typeof step === 'function') return inside.left(step)
  if ('take' in step) {
    return { take: inside.left((record) => step.take(record)), due: () => step.due(), tick: (now) => step.tick(now) }
  }
  if ('left' in step) return { left: inside.left(step.left), right: inside.right(step.right) }
  if ('over' in step) return { over: atTheEnd(step.over, faultOf) }
  return {
    concurrency: step.concurrency,
    each: async (record, signal) => {
      const fault = faultOf(record)
      return fault ? fail(record, fault) : step.each(record, signal)
    },
  }
}

const atTheEnd =
  (over: OperatorFunction<Record, Outcome>, faultOf: (record: Record) => Fault | undefined): typeof over =>
  (records) => {
    const due = new WeakMap<Record, Fault>()
    const note = (record: Record) => {
      const fault = faultOf(record)
      if (fault) due.set(record, fault)
    }
    return records.pipe(
      tap(note),
      over,
      map((outcome) => {
        const fault = due.get(outcome.record)
        return fault ? fail(outcome.record, fault) : outcome
      }),
    )
  }

/** An operator's state that can fail the call which changes it. */
class Trap {
  readonly state: StateStore
  #fault: Fault | undefined

  constructor(state: StateStore) {
    this.state = {
      get: (key) => state.get(key),
      entries: (from, to) => state.entries(from, to),
      keys: (from, to) => state.keys(from, to),
      set: (key, value) => {
        state.set(key, value)
        this.#spring()
      },
      delete: (key) => {
        state.delete(key)
        this.#spring()
      },
    }
  }

  /** @throws what the call throws by itself */
  run(call: Call, record: Record, fault: Fault | undefined): Outcome {
    if (!fault) return call(record)
    this.#fault = fault
    try {
      call(record)
    } catch (thrown) {
      if (thrown !== fault) throw thrown
    } finally {
      this.#fault = undefined
    }
    return fail(record, fault)
  }

  #spring(): void {
    const fault = this.#fault
    this.#fault = undefined
    if (fault) throw fault
  }
}
