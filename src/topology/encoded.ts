import { deserialize, serialize } from 'node:v8'

/** A value as bytes for the broker: anything that survives a structured clone, and bytes, which stay Buffers. */
export const encode = (value: unknown): Buffer => serialize(value)

/** What `encode` made bytes of; its type is the caller's knowledge, for only the caller wrote it. */
export const decode = <T>(bytes: Buffer): T => deserialize(bytes) as T
