import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Count } from '../broker.ts'
import { nameOf, sumOf } from '../counts.ts'
import { partitionOfTask } from './changelog.ts'
import type { PackedUnit } from './packedUnit.ts'

/** Kafka's default for offset.metadata.max.bytes, with room for what it counts besides. */
const maxPlain = 4_000

type Totals = Map<string, Count>

/**
 * The ledger of conservation, beside the offsets that it belongs to: as the metadata of the offset that a group commits
 * for a partition of its changelog. It costs no topic and no request of its own, and cannot be apart from the offsets.
 */
export class Ledger {
  readonly #groups = new Map<string, Map<number, Totals>>()

  /** Takes over what is committed. */
  load(group: string, partition: number, metadata: string): void {
    const partitions = this.#groups.get(group) ?? new Map<number, Totals>()
    partitions.set(partition, new Map(decodeCounts(metadata).map((count) => [nameOf(count), count])))
    this.#groups.set(group, partitions)
  }

  has(group: string, partition: number): boolean {
    return this.#groups.get(group)?.has(partition) ?? false
  }

  forget(group: string, partition: number): void {
    this.#groups.get(group)?.delete(partition)
  }

  /** What the metadata of a partition will be once these units are committed. */
  after(units: readonly PackedUnit[], partition: number): string {
    const { group } = units[0]!
    const counts = units.filter(({ task }) => partitionOfTask(task) === partition).flatMap((unit) => unit.counts)
    return encodeCounts(sumOf([...(this.#groups.get(group)?.get(partition)?.values() ?? []), ...counts]))
  }
}

type Row = readonly [string, string, number, number, number, number]

/** As JSON, deflated where that would be too long for the metadata of an offset. */
function encodeCounts(counts: readonly Count[]): string {
  const rows = counts.map(({ source, stream, read, emitted, dropped, dead }): Row => [
    source,
    stream,
    read,
    emitted,
    dropped,
    dead,
  ])
  const text = JSON.stringify(rows)
  return text.length <= maxPlain ? text : deflateRawSync(text).toString('base64')
}

export function decodeCounts(metadata: string): Count[] {
  if (metadata === '') return []
  const text = metadata.startsWith('[') ? metadata : inflateRawSync(Buffer.from(metadata, 'base64')).toString()
  return (JSON.parse(text) as Row[]).map(([source, stream, read, emitted, dropped, dead]) => ({
    source,
    stream,
    read,
    emitted,
    dropped,
    dead,
  }))
}
