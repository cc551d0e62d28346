import { mask } from '../deadletter/redact.ts'
import type { Answer } from './answer.ts'
import { member, type User } from './security/users.ts'
import { hiddenNames } from './workbench/veil.ts'
import type { Workbench } from './workbench/workbench.ts'

/** What is told of state, as somebody may see it. Another member gets all: it hides what its own asker may not see. */
export function veiledTables(told: Answer, user: User, { parts }: Workbench): Answer {
  const names = hiddenNames(
    user,
    parts.pipelines.map(({ plan }) => plan),
  )
  if (names.size === 0 || user === member) return told
  const hide = (name: string, value: unknown): unknown => (names.has(name) ? mask : value)
  return { ...told, body: `${JSON.stringify(JSON.parse(told.body as string), hide)}\n` }
}
