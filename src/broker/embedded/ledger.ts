import type { Count } from '../broker.ts'
import type { Database } from './database.ts'

/** The ledger of conservation. */
export interface Ledger {
  /** Adds to the totals; to be called inside a transaction. */
  add(group: string, counts: readonly Count[]): void
  totals(group: string): readonly Count[]
  /** To be called inside a transaction. */
  clear(group: string): void
}

export function openLedger(database: Database): Ledger {
  const add = database.prepare(
    `INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       read = read + excluded.read, emitted = emitted + excluded.emitted,
       dropped = dropped + excluded.dropped, dead = dead + excluded.dead`,
  )
  const totals = database.prepare<Count>(
    `SELECT source, stream, read, emitted, dropped, dead FROM ledger
     WHERE consumer_group = ? ORDER BY source, stream`,
  )
  const clear = database.prepare('DELETE FROM ledger WHERE consumer_group = ?')

  return {
    clear: (group) => void clear.run(group),
    add: (group, counts) => {
      for (const { source, stream, read, emitted, dropped, dead } of counts) {
        add.run(group, source, stream, read, emitted, dropped, dead)
      }
    },
    totals: (group) => totals.all(group).map((row) => ({ ...row })),
  }
}
