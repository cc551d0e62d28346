/** Bits for each key: about one key in a hundred is taken for another. */
const bitsPerKey = 10
const probes = 4
const firstBits = 1 << 16
const growth = 4

interface Layer {
  readonly bits: Uint32Array
  readonly mask: number
  room: number
}

/** Tells which keys were surely never added: a Bloom filter that grows, a byte and a bit for each key. */
export class KeyFilter {
  #layers: Layer[] = [newLayer(firstBits)]
  #size = 0

  /** How many were added, those that were there already left out as far as it can tell. */
  get size(): number {
    return this.#size
  }

  add(key: string): void {
    const [first, second] = hashesOf(key)
    if (this.#hasHashes(first, second)) return
    let last = this.#layers.at(-1)!
    if (last.room === 0) this.#layers.push((last = newLayer(last.bits.length * 32 * growth)))
    last.room--
    this.#size++
    for (let probe = 0, hash = first; probe < probes; probe++, hash = (hash + second) | 0) {
      const bit = hash & last.mask
      last.bits[bit >>> 5]! |= 1 << (bit & 31)
    }
  }

  /** False only for what was never added. */
  mayHave(key: string): boolean {
    return this.#hasHashes(...hashesOf(key))
  }

  #hasHashes(first: number, second: number): boolean {
    return this.#layers.some(({ bits, mask }) => {
      for (let probe = 0, hash = first; probe < probes; probe++, hash = (hash + second) | 0) {
        const bit = hash & mask
        if ((bits[bit >>> 5]! & (1 << (bit & 31))) === 0) return false
      }
      return true
    })
  }
}

const newLayer = (bits: number): Layer => ({
  bits: new Uint32Array(bits / 32),
  mask: bits - 1,
  room: Math.floor(bits / bitsPerKey),
})

/** Two hashes of a key: FNV-1a, and what a last mixing of murmur3 makes of it. */
function hashesOf(key: string): [number, number] {
  let hash = 0x811c9dc5
  let other = key.length
  for (let at = 0; at < key.length; at++) {
    const unit = key.charCodeAt(at)
    hash = Math.imul(hash ^ unit, 0x01000193)
    other = Math.imul(other ^ unit, 0x5bd1e995)
    other ^= other >>> 15
  }
  return [mixed(hash), mixed(other) | 1]
}

function mixed(hash: number): number {
  let mixing = hash ^ (hash >>> 16)
  mixing = Math.imul(mixing, 0x85ebca6b)
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35)
  return mixing ^ (mixing >>> 16)
}
