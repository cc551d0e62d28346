import { z } from 'zod'
import { encodeValue } from '../../component/value.ts'
import type { Letter } from '../../deadletter/readLetter.ts'
import type { RehearsedGroup } from '../../redrive/rehearsalReport.ts'
import { shownBytes } from '../workbench/shown.ts'
import { mostLetters, type Rehearsal, type RehearsalOrder, type Rehearsals } from '../workbench/rehearsals.ts'
import { operation, type Operation } from './operation.ts'
import { fix, fixOf, isSaid, sayWhich, wanted, wantedOf } from './redrives.ts'
import { bytes, count } from './shapes.ts'

/** Trying letters on a config, which changes nothing. */
export const rehearsalOperation = (rehearsals: Rehearsals): Operation =>
  operation(
    {
      method: 'POST',
      path: '/api/rehearsals',
      role: 'operate',
      summary: `What would become of open letters (at most ${mostLetters}) with the config that is known here; nothing is changed. With a fix the role edit is needed`,
      body: rehearsalBody(),
      answer: rehearsal(),
    },
    async ({ body, user }) => told(await rehearsals.rehearse(user, rehearsalOf(body))),
  )

/** Letters to be rehearsed, and how. */
export const rehearsalBody = () =>
  z
    .strictObject({
      ...wanted(),
      to: z.enum(['operator', 'source']).default('operator'),
      fix: fix().optional(),
      state: z.boolean().default(true).describe('Whether operators start with what they keep now, or with nothing.'),
    })
    .refine(isSaid, sayWhich)

/** @throws Problem 422 for an expression that is none */
export const rehearsalOf = ({
  to,
  fix: change,
  state,
  ...which
}: z.output<ReturnType<typeof rehearsalBody>>): RehearsalOrder => ({
  wanted: wantedOf(which),
  ...{ to, state },
  ...(change && { fix: fixOf(change) }),
})

const rehearsal = () =>
  z.object({
    pipeline: z.string(),
    revision: z.string().describe('Of the config that they were rehearsed with.'),
    letters: count().describe('So many were rehearsed.'),
    whole: z.boolean().describe('Whether these are all that were chosen, or only the first.'),
    groups: z.array(rehearsedGroup()),
  })

const rehearsedGroup = () =>
  z.object({
    topic: z.string(),
    fingerprint: z.string(),
    operator: z.string(),
    code: z.string(),
    message: z.string(),
    letters: count(),
    passes: count(),
    sameFault: count(),
    newFault: count(),
    refused: count(),
    held: count(),
    examples: z.array(example()).describe('The first letter of each outcome.'),
  })

const example = () =>
  z.object({
    letter: z.string(),
    outcome: z.enum(['passes', 'same fault', 'new fault', 'refused', 'held']),
    failed: z.object({ operator: z.string(), code: z.string(), message: z.string() }).optional(),
    why: z.string().optional().describe('Why it cannot be sent back.'),
    outputs: z.array(z.object({ sink: z.string(), value: bytes().nullable() })),
    more: count().optional().describe('So many outputs are not shown.'),
  })

/** What is shown of one letter's outputs, and bytes of each. */
const [mostOutputs, mostShown] = [5, 4_096]

/** A rehearsal, as it is told. */
export const told = ({ groups, ...rehearsed }: Rehearsal) => ({ ...rehearsed, groups: groups.map(toldGroup) })

export type ToldGroup = ReturnType<typeof toldGroup>

const toldGroup = ({ counts, examples, ...group }: RehearsedGroup) => ({
  ...group,
  passes: counts.passes,
  sameFault: counts['same fault'],
  newFault: counts['new fault'],
  refused: counts.refused,
  held: counts.held,
  examples: examples.map(({ letter, outcome, outputs }) => ({
    letter,
    outcome: outcome.is,
    ...('failed' in outcome && { failed: failureOf(outcome.failed) }),
    ...('why' in outcome && { why: outcome.why }),
    outputs: outputs.slice(0, mostOutputs).map(({ sink, value }) => {
      const encoded = encodeValue(value)
      return { sink, value: encoded && shownBytes(encoded, mostShown) }
    }),
    ...(outputs.length > mostOutputs && { more: outputs.length - mostOutputs }),
  })),
})

const failureOf = ({ operator, fault: { code, message } }: Letter) => ({ operator, code, message })
