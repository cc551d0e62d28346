import { compressionsAlgorithms, compressionsAlgorithmsByBitmask } from '@platformatic/kafka'
import { BrokerError } from '../broker.ts'
import type { KafkaSettings } from './settings.ts'

export type Compression = KafkaSettings['compression']

/** @returns the bytes, and what stands for the codec in a batch's attributes */
export function compress(
  codec: Exclude<Compression, 'none'>,
  bytes: Buffer,
): { readonly bits: number; readonly bytes: Buffer } {
  const { bitmask, compressSync } = compressionsAlgorithms[codec]
  return { bits: bitmask, bytes: compressSync(bytes) }
}

/** @throws BrokerError for a codec that nobody knows */
export function decompress(bits: number, bytes: Buffer): Buffer {
  const algorithm = compressionsAlgorithmsByBitmask[bits as keyof typeof compressionsAlgorithmsByBitmask]
  if (!algorithm) throw new BrokerError(`A batch is compressed with codec ${bits}, which is not known here.`)
  return algorithm.decompressSync(bytes)
}
