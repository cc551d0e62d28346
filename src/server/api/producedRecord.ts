import { z } from 'zod'
import type { OutputRecord } from '../../record/record.ts'

const text = () => z.string().refine((given) => given.isWellFormed(), 'half of a character cannot be written as UTF-8')
const base64 = () => z.base64('expected base64')

/** A record as the API takes it: one of `value` (JSON), `valueText` and `valueBase64`; `null` is a tombstone. */
export const producedRecord = () =>
  z
    .strictObject({
      key: text().nullable().optional(),
      keyBase64: base64().optional(),
      value: z.json().optional(),
      valueText: text().optional(),
      valueBase64: base64().optional(),
      headers: z
        .array(z.tuple([text().min(1).max(1_000), text().nullable()]))
        .max(100)
        .default([]),
      partition: z.int().min(0).max(999_999).optional(),
      timestamp: z.int().min(0).max(8.64e15).optional().describe('Milliseconds since 1970; now when absent.'),
    })
    .refine(({ key, keyBase64 }) => key === undefined || keyBase64 === undefined, 'one of key and keyBase64')
    .refine(
      ({ value, valueText, valueBase64 }) =>
        [value, valueText, valueBase64].filter((each) => each !== undefined).length === 1,
      'expected one of value, valueText and valueBase64',
    )

type Produced = z.output<ReturnType<typeof producedRecord>>

/** @param now milliseconds since 1970 */
export function outputRecord(topic: string, given: Produced, now: number): OutputRecord {
  const { key = null, keyBase64, headers, partition, timestamp = now } = given
  return {
    topic,
    key: keyBase64 === undefined ? bytesOf(key) : Buffer.from(keyBase64, 'base64'),
    value: valueOf(given),
    headers: headers.map(([name, value]) => [name, bytesOf(value)]),
    timestamp,
    ...(partition !== undefined && { partition }),
  }
}

function valueOf({ value, valueText, valueBase64 }: Produced): Buffer | null {
  if (valueBase64 !== undefined) return Buffer.from(valueBase64, 'base64')
  if (valueText !== undefined) return Buffer.from(valueText)
  return value === null || value === undefined ? null : Buffer.from(JSON.stringify(value))
}

const bytesOf = (given: string | null): Buffer | null => (given === null ? null : Buffer.from(given))
