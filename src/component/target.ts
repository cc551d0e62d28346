import { withField } from '../record/change.ts'
import { MissingFieldFault } from '../record/fault.ts'
import { field, withValue, type Record } from '../record/record.ts'

/** What an operator works on: one field of a record's value, or the whole value. */
export interface Target {
  /** For messages. */
  readonly name: string
  /** @throws MissingFieldFault */
  read(record: Record): unknown
  /** A copy of the record with this in its place. */
  write(record: Record, value: unknown): Record
}

/** @param path of the field; the whole value where there is none */
export function targetAt(path: string | undefined): Target {
  if (path === undefined) return { name: 'The value', read: ({ value }) => value, write: withValue }
  return {
    name: `"${path}"`,
    read(record) {
      const value = field(record, path)
      if (value === undefined) throw new MissingFieldFault(path)
      return value
    },
    write: (record, value) => withField(record, path, value),
  }
}
