/** Fields of a JSON object that nothing is known of. */
export interface Fields {
  readonly [name: string]: unknown
}

export const isObject = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

/** The JSON object that the bytes are, undefined where they are none. */
export function parseDocument(bytes: Buffer): Fields | undefined {
  if (bytes[bytes.findIndex((byte) => byte > 32)] !== 123) return undefined
  try {
    const document: unknown = JSON.parse(bytes.toString())
    return isObject(document) ? document : undefined
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}
