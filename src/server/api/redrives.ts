import { z } from 'zod'
import { expression } from '../../component/expression.ts'
import { letterCondition } from '../../redrive/choose.ts'
import type { Fix } from '../../redrive/fix.ts'
import { discard } from '../workbench/discard.ts'
import { reopen } from '../workbench/reopen.ts'
import { checkOrder, forecastOf, partsFor, type Order, type Wanted } from '../workbench/order.ts'
import { pause } from '../workbench/records.ts'
import { redriveStates, type Progress, type Redrives } from '../workbench/redrives.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { operation, read, stream, type Operation } from './operation.ts'
import { count, fingerprint, iso, letterId, reason, time, topic } from './shapes.ts'

/** Sending dead letters back, giving them up, and opening them again. */
export const redriveOperations = (workbench: Workbench, redrives: Redrives): readonly Operation[] => [
  operation(
    {
      method: 'POST',
      path: '/api/redrives',
      role: 'operate',
      summary: 'Sends open letters back; with a fix or to a topic the role edit is needed',
      body: orderBody(),
      answer: progress(),
      status: 202,
    },
    async ({ body, user }) => asJson(await redrives.find(await redrives.start(user, orderOf(body)))),
  ),
  operation(
    {
      method: 'POST',
      path: '/api/redrives/forecast',
      role: 'operate',
      summary: 'What sending letters back would do; nothing is sent',
      body: orderBody(),
      answer: z.object({ sent: count(), refused: refusals() }),
    },
    async ({ body, user }) => {
      const wish = orderOf(body)
      checkOrder(user, wish)
      return forecastOf(await partsFor(workbench, wish.wanted), wish)
    },
  ),
  operation(
    {
      method: 'GET',
      path: '/api/redrives',
      role: 'view',
      summary: 'The redrives that were started here, the latest first',
      answer: z.object({ redrives: z.array(progress()) }),
    },
    async () => ({ redrives: (await redrives.list()).map(asJson) }),
  ),
  operation(
    {
      method: 'GET',
      path: '/api/redrives/{id}',
      role: 'view',
      summary: 'How a redrive does',
      params: redriveId(),
      answer: progress(),
    },
    async ({ params }) => asJson(await redrives.find(params.id)),
  ),
  stream(
    {
      path: '/api/redrives/{id}/live',
      role: 'view',
      summary: 'How a redrive does, as it goes on',
      params: redriveId(),
      answer: progress(),
    },
    async ({ params }) => {
      await redrives.find(params.id)
      return (signal) => lookings(redrives, params.id, signal)
    },
  ),
  ...(['pause', 'resume', 'stop'] as const).map((action) =>
    operation(
      {
        method: 'POST',
        path: `/api/redrives/{id}/${action}`,
        role: 'operate',
        summary: {
          pause: 'Has a redrive pause',
          resume: 'Has it go on',
          stop: 'Stops it: what was not sent is open still',
        }[action],
        params: redriveId(),
        body: z.strictObject({}),
        answer: progress(),
      },
      async ({ params, user }) => {
        await redrives[action](params.id, user)
        return asJson(await redrives.find(params.id))
      },
    ),
  ),
  operation(
    {
      method: 'POST',
      path: '/api/discard',
      role: 'operate',
      summary: 'Gives open letters up',
      body: wantedBody(),
      answer: z.object({ discarded: count() }),
    },
    async ({ body: { why, ...which }, user }) => ({ discarded: await discard(workbench, user, wantedOf(which), why) }),
  ),
  operation(
    {
      method: 'POST',
      path: '/api/reopen',
      role: 'operate',
      summary: 'Opens letters again that were resolved or discarded',
      body: wantedBody(),
      answer: z.object({ reopened: count() }),
    },
    async ({ body: { why, ...which }, user }) => ({ reopened: await reopen(workbench, user, wantedOf(which), why) }),
  ),
]

const redriveId = () => z.strictObject({ id: z.string().regex(/^[\w-]{1,100}$/, 'expected the id of a redrive') })

/** Which letters are meant. */
export const wanted = () => ({
  letters: z.array(letterId()).min(1).max(1_000).optional().describe('Their ids.'),
  group: fingerprint().optional(),
  key: z.string().max(1_000).optional(),
  where: z
    .string()
    .max(2_000)
    .optional()
    .describe('A condition in CEL over fault, operator, source, key, headers, value, failedAt, attempts, hops.'),
  source: topic().optional(),
  topic: topic()
    .optional()
    .describe('On this topic, such as a queue that the pipeline reads, instead of those that it writes to.'),
  formerly: z.string().max(249).optional().describe('A name that the pipeline had before: its letters of then, too.'),
  all: z.literal(true).optional(),
  pipeline: z
    .string()
    .max(249)
    .optional()
    .describe('Needed where neither letters nor a group say so, and several run.'),
})

type WantedBody = z.output<z.ZodObject<ReturnType<typeof wanted>>>

/** Either letters, or what narrows them down, or all. */
export function isSaid({ letters, group, key, where, all }: WantedBody): boolean {
  const narrowed = [group, key, where].some((each) => each !== undefined)
  return letters ? !narrowed && !all : narrowed !== (all === true)
}
export const sayWhich = 'say which letters: "letters", or "group", "key" and "where", or "all"'

/** Letters to be given up, and why. */
export const wantedBody = () => z.strictObject({ ...wanted(), why: reason() }).refine(isSaid, sayWhich)

/** Letters to be sent back, how and why. */
export const orderBody = () =>
  z
    .strictObject({
      ...wanted(),
      to: z.union([z.enum(['operator', 'source']), z.strictObject({ topic: topic() })]).default('operator'),
      fix: fix().optional(),
      rate: z.int().min(1).max(1_000_000).optional().describe('Letters a second, at most.'),
      canary: z
        .int()
        .min(1)
        .max(1_000)
        .optional()
        .describe('So many go first; the others follow when all of those have passed.'),
      why: reason(),
    })
    .refine(isSaid, sayWhich)

/** What a value becomes. */
export const fix = () =>
  z
    .union([
      z.strictObject({ expression: z.string().min(1).max(10_000) }),
      z.strictObject({ value: z.json() }),
      z.strictObject({ valueText: z.string() }),
    ])
    .describe('An expression over the record that goes back, or its value as JSON or as text.')

/** @throws Problem 422 for a condition that is none */
export function wantedOf({ letters, group, key, where, source, topic: name, formerly, pipeline }: WantedBody): Wanted {
  return {
    ...(letters && { ids: [...new Set(letters)] }),
    ...(group !== undefined && { group }),
    ...(key !== undefined && { key }),
    ...(where !== undefined && { where: read(letterCondition(), where, 422, 'as "where"') }),
    ...(source !== undefined && { source }),
    ...(name !== undefined && { topic: name }),
    ...(formerly !== undefined && { formerly }),
    ...(pipeline !== undefined && { pipeline }),
  }
}

export function orderOf({
  to,
  fix: change,
  rate,
  canary,
  why,
  ...which
}: z.output<ReturnType<typeof orderBody>>): Order {
  return {
    wanted: { ...wantedOf(which), ...(typeof to === 'object' && { target: to.topic }) },
    ...{ to, why },
    ...(change && { fix: fixOf(change) }),
    ...(rate !== undefined && { rate }),
    ...(canary !== undefined && { canary }),
  }
}

/** @throws Problem 422 for an expression that is none */
export function fixOf(change: z.output<ReturnType<typeof fix>>): Fix {
  if ('expression' in change) return { expression: read(expression(), change.expression, 422, 'as "fix"') }
  return 'value' in change ? { value: change.value } : { bytes: Buffer.from(change.valueText) }
}

const refusals = () =>
  z.array(z.object({ why: z.string(), letters: count() })).describe('Letters that stay where they are.')

function progress() {
  return z.object({
    id: z.string(),
    state: z.enum(redriveStates),
    pipeline: z.string().nullable(),
    by: z.string().nullable(),
    why: z.string().nullable(),
    at: time().nullable(),
    what: z.string().nullable(),
    refused: refusals(),
    canary: z.object({ sent: count(), passed: count(), failed: count() }).nullable(),
    problem: z.string().nullable(),
    sent: count(),
    resolved: count(),
    returned: count().describe('Dead again.'),
  })
}

const asJson = ({ id, state, started, outcome }: Progress) => ({
  ...{ id, state, ...outcome },
  pipeline: started?.pipeline ?? null,
  by: started?.by ?? null,
  why: started?.why ?? null,
  at: started ? iso(started.at) : null,
  what: started?.what ?? null,
  refused: started?.refused ?? [],
  canary: started?.canary ?? null,
  problem: started?.problem ?? null,
})

const lookEvery = 1_000

/** It ends when nothing more is to become of the letters that were sent. */
async function* lookings(redrives: Redrives, id: string, signal: AbortSignal) {
  while (!signal.aborted) {
    const found = await redrives.find(id)
    yield asJson(found)
    const { sent, resolved, returned } = found.outcome
    if (found.state !== 'running' && found.state !== 'paused' && resolved + returned >= sent) return
    await pause(lookEvery, signal)
  }
}
