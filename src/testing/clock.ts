import { VirtualAction, VirtualTimeScheduler } from 'rxjs'

/** Virtual time that starts at an hour of the calendar and moves by hand, one action after another. */
export class VirtualClock extends VirtualTimeScheduler {
  /** @param start milliseconds since the epoch */
  constructor(start: number) {
    super(VirtualAction)
    this.now = () => start + this.frame
  }

  /** When the next action is due, in milliseconds since the start; undefined when there is none. */
  get next(): number | undefined {
    return this.actions[0]?.delay
  }

  /** Moves to the next action and executes it. @throws what it throws */
  step(): void {
    const action = this.actions.shift()
    if (!action) return
    this.frame = action.delay
    const thrown: unknown = action.execute(action.state, action.delay)
    if (thrown !== undefined) throw thrown instanceof Error ? thrown : new Error(String(thrown))
  }
}
