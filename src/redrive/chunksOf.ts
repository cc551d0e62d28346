/** Letters, or what stands for them, a number of them at a time. @param most how many, one or more */
export async function* chunksOf<T>(all: AsyncIterable<T>, most: number): AsyncGenerator<readonly T[]> {
  let chunk: T[] = []
  for await (const each of all) {
    chunk.push(each)
    if (chunk.length < most) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}
