/** An id as the index keeps it: the 32 hexadecimal digits of Oxbow's own take half the room. */
export const packedId = (id: string): Buffer =>
  /^[0-9a-f]{32}$/.test(id) ? Buffer.from(id, 'hex') : Buffer.concat([notHex, Buffer.from(id)])

/** Longer than what is packed, whatever follows. */
const notHex = Buffer.from('as it is written:')

export const unpackedId = (packed: Uint8Array): string => {
  const bytes = Buffer.from(packed)
  return bytes.length === 16 ? bytes.toString('hex') : bytes.toString('utf8', notHex.length)
}
