import type { RawRecord } from '../record/record.ts'
import { bytesPerUnit, lettersPerUnit } from './unitSize.ts'

/** Letters, or what stands for them, as many at a time as a unit has at most. */
export async function* chunksOf<T extends { readonly record: RawRecord }>(
  all: AsyncIterable<T>,
): AsyncGenerator<readonly T[]> {
  let chunk: T[] = []
  let bytes = 0
  for await (const each of all) {
    chunk.push(each)
    bytes += each.record.value?.length ?? 0
    if (chunk.length < lettersPerUnit && bytes < bytesPerUnit) continue
    yield chunk
    chunk = []
    bytes = 0
  }
  if (chunk.length > 0) yield chunk
}
