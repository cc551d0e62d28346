import { chosenLetters } from '../../redrive/choose.ts'
import { discardLetters } from '../../redrive/discard.ts'
import type { User } from '../security/users.ts'
import { asProblem, partsFor, type Wanted } from './order.ts'
import type { Workbench } from './workbench.ts'

/** Gives letters up. @returns how many @throws Problem */
export async function discard(workbench: Workbench, user: User, wanted: Wanted, why: string): Promise<number> {
  const parts = await partsFor(workbench, wanted)
  try {
    const options = { plan: parts.plan, broker: parts.broker, now: () => Date.now(), by: user.name, why }
    const count = await discardLetters(chosenLetters(parts, wanted), options)
    workbench.parts.log.info(
      { user: user.name, letters: count, why },
      `${user.name} discarded ${count} letters: ${why}.`,
    )
    return count
  } catch (thrown) {
    throw asProblem(thrown)
  }
}
