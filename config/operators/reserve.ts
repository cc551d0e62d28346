interface Order {
  id: number
  item: string
  count: number
  /** How often the warehouse is busy when it is asked for this order: it stands in for one that can be. */
  busy?: number
}

interface Tools {
  fail(code: string, message: string, disposition?: 'retry' | 'deadLetter'): unknown
}

/** How often the warehouse was busy, by order. */
const refusals = new Map<number, number>()

/** Reserves what an order asks for. A busy warehouse may have time later; an order for nothing will never pass. */
export default function reserve({ id, item, count, busy = 0 }: Order, _record: unknown, { fail }: Tools): unknown {
  if (count < 1) return fail('order.empty', 'The order asks for nothing.')
  const before = refusals.get(id) ?? 0
  if (before < busy) {
    refusals.set(id, before + 1)
    return fail('warehouse.busy', 'The warehouse has no time right now.', 'retry')
  }
  refusals.delete(id)
  return { id, item, count, reserved: true }
}
