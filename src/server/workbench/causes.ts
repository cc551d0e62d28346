import type { LetterGroup } from '../../deadletter/ledger/groups.ts'
import { causesOf } from '../../redrive/groupCauses.ts'
import type { User } from '../security/users.ts'
import { hiddenNames } from './veil.ts'
import type { Workbench } from './workbench.ts'

/** How the letters of a group differ from records that passed, as somebody may know it: of hidden fields nothing is told. */
export async function causesFor({ parts }: Workbench, group: LetterGroup, user: User): Promise<readonly string[]> {
  const hidden = hiddenNames(
    user,
    parts.pipelines.map(({ plan }) => plan),
  )
  const causes = await causesOf(parts, group)
  const isTold = (field: string) => !field.split(/[.[\]]+/).some((name) => hidden.has(name))
  return causes.filter(({ field }) => isTold(field)).map(({ text }) => text)
}
