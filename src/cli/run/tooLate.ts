import { setTimeout } from 'node:timers/promises'
import type { BrokerPlace } from '../brokerOptions.ts'
import { CommandFailure } from '../failure.ts'
import type { StopSignal } from '../signals.ts'

/** Milliseconds from a signal to stop: `docker stop` kills after 10 s, Kubernetes after 30 s. */
const patience = 9_000

/**
 * Waits for the signal, and then for as long as stopping may take. On the embedded broker that is for ever: nothing there
 * waits for anybody else.
 * @throws CommandFailure when the time is over
 */
export async function tooLate(place: BrokerPlace, stopped: Promise<StopSignal>): Promise<never> {
  const signal = await stopped
  if (place.kind === 'embedded') return new Promise(() => {})
  await setTimeout(patience, undefined, { ref: false })
  const { brokers, timeouts } = place.settings
  throw new CommandFailure(
    `${patience / 1_000} s after ${signal} the work in hand is still not committed, and is given up: Kafka (${brokers.join(', ')}) does not answer, or an operator or a sink does not end.
Nothing of it is lost: the next start goes on from the last commit. Other members of the groups take over when the session ends, within ${timeouts.session / 1_000} s.`,
  )
}
