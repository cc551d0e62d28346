import { z } from 'zod'
import type { StoredRecord } from '../../record/record.ts'
import { produce } from '../workbench/produce.ts'
import { liveRecords, recordsOf } from '../workbench/records.ts'
import { shownBytes, timeOf } from '../workbench/shown.ts'
import { veilFor, type Veil } from '../workbench/veil.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { operation, stream, type Operation } from './operation.ts'
import { outputRecord, producedRecord } from './producedRecord.ts'
import { count, pageSize, record, topic, whole } from './shapes.ts'

/** Of each value in a list, this much is shown. */
const mostShown = 4_096

/** Topics, their records, and records for them. */
export const topicOperations = (workbench: Workbench): readonly Operation[] => [
  operation(
    {
      method: 'GET',
      path: '/api/topics',
      role: 'view',
      summary: 'The topics of the broker',
      answer: z.object({ topics: z.array(topicShape()) }),
    },
    async () => ({ topics: await topicsOf(workbench) }),
  ),
  operation(
    {
      method: 'GET',
      path: '/api/topics/{name}/records',
      role: 'view',
      summary: 'Records of a topic: the newest, or those of a partition from an offset on',
      params: z.strictObject({ name: topic() }),
      query: recordQuery(),
      answer: z.object({
        records: z.array(record()),
        next: z.object({ partition: count(), from: count() }).nullable(),
      }),
    },
    async ({ params, query, user }) => {
      const info = await workbench.topic(params.name)
      const { records, next } = await recordsOf(workbench.parts.broker, info, query)
      const veil = veilOf(workbench, user)
      return { records: records.map((each) => recordAsJson(each, veil)), next: next ?? null }
    },
  ),
  stream(
    {
      path: '/api/topics/{name}/records/live',
      role: 'view',
      summary: 'Records of a topic as they come',
      params: z.strictObject({ name: topic() }),
      answer: record(),
    },
    async ({ params, user }) => {
      await workbench.topic(params.name)
      const veil = veilOf(workbench, user)
      return async function* (signal) {
        for await (const each of liveRecords(workbench.parts.broker, params.name, signal))
          yield recordAsJson(each, veil)
      }
    },
  ),
  operation(
    {
      method: 'POST',
      path: '/api/topics/{name}/records',
      role: 'edit',
      summary: 'Appends a record to a topic that is there',
      params: z.strictObject({ name: topic() }),
      body: producedRecord(),
      answer: z.object({ topic: z.string() }),
      status: 201,
    },
    async ({ params, body, user }) => {
      await produce(workbench, user, outputRecord(params.name, body, Date.now()))
      return { topic: params.name }
    },
  ),
]

/** Which records: the newest, or those of a partition from an offset on. */
export const recordQuery = () =>
  z.strictObject({
    partition: whole(0, 999_999).optional(),
    from: whole(0, 999_999_999_999_999).optional(),
    limit: pageSize(50, 200),
  })

function topicShape() {
  return z.object({
    name: z.string(),
    role: z.enum(['source', 'output', 'deadLetters', 'ledger', 'internal']).nullable(),
    partitions: count(),
    records: count().describe('By its offsets: an upper bound.'),
    retention: count().nullable().describe('Milliseconds; null for ever, or as the broker does.'),
  })
}

/** All topics, by their names. */
export async function topicsOf(workbench: Workbench): Promise<z.output<ReturnType<typeof topicShape>>[]> {
  const infos = (await workbench.parts.broker.topics()).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const roleOf = await workbench.roles()
  return infos.map(({ name, partitions, retention }) => ({
    name,
    role: roleOf(name) ?? null,
    partitions: partitions.length,
    records: partitions.reduce((sum, { start, end }) => sum + Number(end - start), 0),
    retention: retention === undefined || retention === Infinity ? null : retention,
  }))
}

const veilOf = ({ parts }: Workbench, user: Parameters<typeof veilFor>[0]): Veil =>
  veilFor(
    user,
    parts.pipelines.map(({ plan }) => plan),
  )

/** A record as somebody may see it. */
export const recordAsJson = (
  { topic: name, partition, offset, timestamp, key, headers, value }: StoredRecord,
  veil: Veil,
) => ({
  topic: name,
  partition,
  offset: Number(offset),
  timestamp: timeOf(timestamp),
  key: key && shownBytes(key, 1_024),
  headers: headers.map((header) => veil.header(header, 1_024)),
  value: veil.value(value, mostShown),
})
