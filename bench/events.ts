import { createWriteStream } from 'node:fs'
import { once } from 'node:events'

/** One event in twenty is poison: its price lies above one. */
export const isPoison = (n: number): boolean => n % 20 === 7

/** The n-th price event of about 230 bytes; the same for the same n. */
export function priceEvent(n: number): string {
  const price = isPoison(n) ? 1.7 : ((n * 7_919) % 1_000) / 1_000
  return JSON.stringify({
    id: n,
    market_slug: `will-market-${n % 997}-resolve-yes-by-december`,
    outcome: n % 2 ? 'Yes' : 'No',
    price,
    price_delta: ((n * 31) % 200) / 10_000 - 0.01,
    event_time: new Date(1_767_802_212_000 + n * 1_000).toISOString(),
    fetched_at: '2026-01-08T00:00:00.000Z',
    prev_price: 0.5,
  })
}

/** Writes the first `count` events to a file, one a line. */
export async function writeEvents(path: string, count: number): Promise<void> {
  const file = createWriteStream(path)
  for (let n = 0; n < count; n += 5_000) {
    const lines = Array.from({ length: Math.min(5_000, count - n) }, (_, at) => `${priceEvent(n + at)}\n`).join('')
    if (!file.write(lines)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
}
