import { z } from 'zod'
import type { LetterGroup } from '../../deadletter/ledger/groups.ts'
import { shownBytes } from '../workbench/shown.ts'
import { causesOf } from '../../redrive/groupCauses.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { operation, type Operation } from './operation.ts'
import { bytes, count, fingerprint, group, groupState, iso, isoOr, letterCount, topic } from './shapes.ts'

/** Dead-letter topics, and the groups of what failed alike. */
export const groupOperations = (workbench: Workbench): readonly Operation[] => [
  operation(
    {
      method: 'GET',
      path: '/api/dlq',
      role: 'view',
      summary: 'The dead-letter topics, with their letters by what became of them',
      answer: z.object({ topics: z.array(letterCount()) }),
    },
    async () => ({ topics: (await workbench.counts()).map((each) => ({ ...each, oldest: isoOr(each.oldest) })) }),
  ),
  operation(
    {
      method: 'GET',
      path: '/api/groups',
      role: 'view',
      summary: 'Groups of letters that failed alike, those with letters to be dealt with first',
      query: z.strictObject({ topic: topic().optional(), state: groupState().optional() }),
      answer: z.object({ groups: z.array(group()) }),
    },
    async ({ query }) => {
      const groups = await workbench.groups(query.topic)
      return { groups: groups.filter(({ state }) => state === (query.state ?? state)).map(asJson) }
    },
  ),
  operation(
    {
      method: 'GET',
      path: '/api/groups/{fingerprint}',
      role: 'view',
      summary: 'One group: whom its letters are of, and one of them as an example',
      params: z.strictObject({ fingerprint: fingerprint() }),
      query: z.strictObject({ topic: topic().optional() }),
      answer: group().extend({
        affected: z.object({
          letters: count().describe('So many were looked at, the latest.'),
          keys: z.array(z.object({ key: bytes().nullable(), letters: count() })),
          sources: z.array(z.object({ name: z.string(), letters: count() })),
          revisions: z.array(z.object({ name: z.string(), letters: count() })).describe('Of the config.'),
        }),
        causes: z.array(z.string()).describe('How its letters differ from records of their source that passed.'),
        example: z.string().nullable().describe('The id of its latest letter.'),
      }),
    },
    async ({ params, query }) => {
      const found = await workbench.group(params.fingerprint, query.topic)
      const { ledger } = workbench.parts
      const { keys, ...affected } = ledger.affected(found.topic, found.fingerprint)
      const [example] = ledger.page(choiceOf(found), 1).letters
      return {
        ...asJson(found),
        affected: {
          ...affected,
          keys: keys.map(({ key, letters }) => ({ key: key && shownBytes(key, 256), letters })),
        },
        causes: (await causesOf(workbench.parts, found)).map(({ text }) => text),
        example: example?.id ?? null,
      }
    },
  ),
]

const choiceOf = ({ topic: name, fingerprint: alike }: LetterGroup) => ({ topic: name, fingerprint: alike })

const asJson = ({ first, last, oldest, ...rest }: LetterGroup) => ({
  ...rest,
  first: iso(first),
  last: iso(last),
  oldest: isoOr(oldest),
})
