import { reopenLetters } from '../../redrive/reopen.ts'
import type { User } from '../security/users.ts'
import { asProblem, partsFor, type Wanted } from './order.ts'
import type { Workbench } from './workbench.ts'

/** Opens letters again that were resolved or discarded. @returns how many @throws Problem */
export async function reopen(workbench: Workbench, user: User, wanted: Wanted, why: string): Promise<number> {
  const parts = await partsFor(workbench, wanted)
  try {
    const dispositions = ['resolved', 'discarded'] as const
    const options = { ...parts, choice: wanted, dispositions, now: () => Date.now(), by: user.name, why }
    const count = await reopenLetters(options)
    workbench.parts.log.info(
      { user: user.name, letters: count, why },
      `${user.name} opened ${count} letters again: ${why}.`,
    )
    return count
  } catch (thrown) {
    throw asProblem(thrown)
  }
}
