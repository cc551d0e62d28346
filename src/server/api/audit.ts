import { z } from 'zod'
import type { Decision } from '../../deadletter/ledger/audit.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { entryAsJson } from './letters.ts'
import { operation, type Operation } from './operation.ts'
import { cursor, cursorOf, entry, groupEntry, iso, pageSize } from './shapes.ts'

/** Who said what of letters, and decided what about groups. */
export const auditOperations = (workbench: Workbench): readonly Operation[] => [
  operation(
    {
      method: 'GET',
      path: '/api/audit',
      role: 'view',
      summary: 'What was said of letters, and decided about groups, the newest entry first',
      query: z.strictObject({ limit: pageSize(50, 200), after: cursor().optional() }),
      answer: z.object({ entries: z.array(z.union([entry(), groupEntry()])), next: z.string().nullable() }),
    },
    async ({ query: { limit, after } }) => {
      await workbench.follow()
      const { entries, next } = workbench.parts.ledger.audit(limit, after && { at: after[0], number: after[1] })
      return {
        entries: entries.map((said) => ('group' in said ? groupEntryAsJson(said) : entryAsJson(said, said.topic))),
        next: next ? cursorOf(next.at, next.number) : null,
      }
    },
  ),
]

const groupEntryAsJson = ({ at, group, topic, to, by, why }: Decision) => ({
  at: iso(at),
  ...{ group, topic, by, why },
  ...(typeof to === 'object' ? { to: 'merged' as const, into: to.mergedInto } : { to, into: null }),
})
