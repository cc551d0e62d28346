/** What becomes of a record without a key; "keep": it goes on without a match, where records may leave alone. */
export type Keyless = 'deadLetter' | 'drop' | 'keep'

export const keylessMessage =
  'Records are joined by their keys, and this one has none: `keyBy` gives it one, and `keyless` says what else may become of it.'
