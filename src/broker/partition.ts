/** The partition that Kafka's Java producer would choose for a key; a key may be empty, but not null. */
export const partitionOf = (key: Uint8Array, partitions: number): number => (murmur2(key) & 0x7fff_ffff) % partitions

/** Kafka's 32-bit murmur2 (seed 0x9747b28c), as a signed integer. */
export function murmur2(data: Uint8Array): number {
  const length = data.length
  const tail = length & ~3
  let hash = 0x9747b28c ^ length

  for (let at = 0; at < tail; at += 4) {
    const word = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)
    const mixed = Math.imul(word, multiplier)
    hash = Math.imul(hash, multiplier) ^ Math.imul(mixed ^ (mixed >>> 24), multiplier)
  }

  const left = length - tail
  if (left === 3) hash ^= data[tail + 2]! << 16
  if (left >= 2) hash ^= data[tail + 1]! << 8
  if (left >= 1) hash = Math.imul(hash ^ data[tail]!, multiplier)

  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

const multiplier = 0x5bd1e995
