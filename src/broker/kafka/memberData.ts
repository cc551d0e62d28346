/** What a member tells the others of its group when it joins: the user data of Kafka's consumer protocol. */
export interface MemberData {
  /** host:port where its process answers over HTTP: Kafka Streams' application.server. */
  readonly address?: string
  /** What it shares its fate with: the process, or the directory of its local copies. */
  readonly place?: string
  /** The numbers of the partitions that it has. */
  readonly owned?: readonly number[]
  /** How far its copies of partitions' state have come, those of others included; 0 where it does not know. */
  readonly copies?: ReadonlyMap<number, number>
}

export const encodeMemberData = ({ copies, ...data }: MemberData): Buffer =>
  Buffer.from(JSON.stringify({ ...data, ...(copies && { copies: [...copies] }) }))

/** Of members that say nothing, or something else, nothing is known. */
export function decodeMemberData(bytes: Buffer | null | undefined): MemberData {
  const { address, place, owned, copies } = parsed(bytes)
  return {
    ...(typeof address === 'string' && isAddress(address) && { address }),
    ...(typeof place === 'string' && { place }),
    ...(isNumbers(owned) && { owned }),
    ...(Array.isArray(copies) &&
      copies.every((each) => isNumbers(each) && each.length === 2) && {
        copies: new Map(copies as [number, number][]),
      }),
  }
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

const isNumbers = (found: unknown): found is number[] =>
  Array.isArray(found) && found.every((each) => Number.isSafeInteger(each) && (each as number) >= 0)
