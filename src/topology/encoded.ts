import { deserialize, serialize } from 'node:v8'
import { isPlainJson } from '../record/plainJson.ts'

/** How v8's own format begins, and no JSON text does. */
const v8Start = 0xff

/**
 * A value as bytes for the broker: anything that survives a structured clone, and bytes, which stay Buffers. JSON, which is
 * made and read several times as fast, where nothing is lost by it.
 */
export const encode = (value: unknown): Buffer =>
  isPlainJson(value) ? Buffer.from(JSON.stringify(value)) : serialize(value)

/** Whether `encode` made JSON of a value. */
export const isJsonText = (bytes: Buffer): boolean => bytes[0] !== v8Start

/** What `encode` made bytes of; its type is the caller's knowledge, for only the caller wrote it. */
export const decode = <T>(bytes: Buffer): T =>
  (isJsonText(bytes) ? JSON.parse(bytes.toString()) : deserialize(bytes)) as T
