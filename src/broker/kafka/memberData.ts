/** What a member tells the others of its group when it joins: the user data of Kafka's consumer protocol. */
export interface MemberData {
  /** host:port where its process answers over HTTP: Kafka Streams' application.server. */
  readonly address?: string
}

export const encodeMemberData = (data: MemberData): Buffer => Buffer.from(JSON.stringify(data))

/** Of members that say nothing, or something else, nothing is known. */
export function decodeMemberData(bytes: Buffer | null | undefined): MemberData {
  const { address } = parsed(bytes)
  return typeof address === 'string' && isAddress(address) ? { address } : {}
}

function parsed(bytes: Buffer | null | undefined): { readonly [name: string]: unknown } {
  try {
    return Object(JSON.parse(bytes?.toString() || '{}')) as { readonly [name: string]: unknown }
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {} // Members of other software have data of other kinds.
    throw thrown
  }
}

/** Whoever asks there asks a host and a port, whatever a member may say. */
const isAddress = (text: string): boolean => /^(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}$/.test(text)
