/** Fails on every record, with a message that quotes what the record has. */
export default function refuse(record: { readonly value: unknown }): never {
  throw new Error(`This is no order: ${Object.keys(Object(record.value)).join()}`)
}
