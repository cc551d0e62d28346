import type { SourceRecord } from '../../component/source.ts'
import type { Seedling } from './random.ts'

const products = [
  { sku: 'rope-20m', cents: 1_990 },
  { sku: 'paddle', cents: 4_450 },
  { sku: 'dry-bag', cents: 2_700 },
  { sku: 'life-vest', cents: 7_900 },
]
const customers = 1_000

/** An order of one of a thousand customers, with up to three items. */
export function order({ index, time, draw, poisoned }: Seedling): SourceRecord {
  const customer = `c-${String(Math.floor(draw() * customers)).padStart(4, '0')}`
  const items = Array.from({ length: 1 + Math.floor(draw() * 3) }, () => {
    const { sku, cents } = products[Math.floor(draw() * products.length)]!
    return { sku, quantity: 1 + Math.floor(draw() * 4), price: cents / 100 }
  })
  const cents = items.reduce((sum, { quantity, price }) => sum + quantity * Math.round(price * 100), 0)
  const value = {
    order_id: `o-${index}`,
    customer,
    items,
    total: cents / 100,
    currency: 'EUR',
    ordered_at: new Date(time).toISOString(),
  }
  return { key: Buffer.from(customer), value: Buffer.from(poisoned ? poison(value, draw()) : JSON.stringify(value)) }
}

function poison(value: object & { readonly order_id: string; readonly total: number }, kind: number): string {
  if (kind < 1 / 3) return JSON.stringify({ ...value, total: -value.total })
  const { order_id: _, ...rest } = value
  if (kind < 2 / 3) return JSON.stringify(rest)
  return JSON.stringify(value).slice(0, -20)
}
