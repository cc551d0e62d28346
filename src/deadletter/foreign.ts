import type { Convention } from '../component/convention.ts'
import type { StoredRecord } from '../record/record.ts'
import { readConnect } from './foreign/connect.ts'
import type { ForeignLetter, ForeignReader } from './foreign/foreignLetter.ts'
import { readJsonEnvelope } from './foreign/jsonEnvelope.ts'
import { readShareGroup } from './foreign/shareGroup.ts'
import { readSpring } from './foreign/spring.ts'
import { readStreams } from './foreign/streams.ts'
import { readVector } from './foreign/vector.ts'

const readers: { readonly [convention in Exclude<Convention, 'oxbow'>]: ForeignReader } = {
  connect: readConnect,
  spring: readSpring,
  streams: readStreams,
  shareGroup: readShareGroup,
  vector: readVector,
  json: readJsonEnvelope,
}

/** A dead letter that somebody else wrote, by the first convention that knows it; undefined where none does. */
export function readForeign(stored: StoredRecord): ForeignLetter | undefined {
  for (const read of Object.values(readers)) {
    const letter = read(stored)
    // With the headers of a letter on it, a record was sent back to where it came from.
    if (letter && letter.origin.topic !== stored.topic) return letter
  }
  return undefined
}
