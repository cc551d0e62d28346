import { z } from 'zod'
import type { Workbench } from '../workbench/workbench.ts'
import { entryAsJson } from './letters.ts'
import { operation, type Operation } from './operation.ts'
import { cursor, cursorOf, entry, pageSize } from './shapes.ts'

/** Who said what of letters. */
export const auditOperations = (workbench: Workbench): readonly Operation[] => [
  operation(
    {
      method: 'GET',
      path: '/api/audit',
      role: 'view',
      summary: 'What was said of letters, the newest entry first',
      query: z.strictObject({ limit: pageSize(50, 200), after: cursor().optional() }),
      answer: z.object({ entries: z.array(entry()), next: z.string().nullable() }),
    },
    async ({ query: { limit, after } }) => {
      await workbench.follow()
      const { entries, next } = workbench.parts.ledger.audit(limit, after && { at: after[0], number: after[1] })
      return {
        entries: entries.map((said) => entryAsJson(said, said.topic)),
        next: next ? cursorOf(next.at, next.number) : null,
      }
    },
  ),
]
