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

/**
 * A dead letter that somebody else wrote; undefined where the record is none.
 * @param convention the one that is to know it; the first that does, of "auto"
 */
export function readForeign(stored: StoredRecord, convention: Convention | 'auto'): ForeignLetter | undefined {
  if (convention === 'oxbow') return undefined
  for (const read of convention === 'auto' ? Object.values(readers) : [readers[convention]]) {
    const letter = read(stored)
    // With the headers of a letter on it, a record was sent back to where it came from.
    if (letter && letter.origin.topic !== stored.topic) return letter
  }
  return undefined
}
