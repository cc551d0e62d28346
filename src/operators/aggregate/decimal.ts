/** A decimal: so many units of 10^-places. The units are text, for they may be beyond a number. */
export type Decimal = readonly [units: string, places: number]

/** Places beyond which text is taken for the nearest number: they would cost, and count for nothing. */
const mostPlaces = 100

/**
 * Text that a number was read from, as the decimal that it writes.
 * @returns the number where it is whole, or the text has more than a hundred places
 */
export function decimalOf(text: string, number: number): Decimal | number {
  if (/^[+-]?\d+$/.test(text.trim())) return number + 0
  const [, sign, whole, fraction, exponent] = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text.trim())!
  const places = fraction!.length - Number(exponent ?? 0)
  if (places > mostPlaces) return number
  const units = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n)
  return places < 0 ? [String(units * 10n ** BigInt(-places)), 0] : [String(units), places]
}

export function addDecimals([one, places]: Decimal, [other, otherPlaces]: Decimal): Decimal {
  const most = Math.max(places, otherPlaces)
  return [String(scaled(one, most - places) + scaled(other, most - otherPlaces)), most]
}

/** A number as the decimal that it is exactly. */
export function exactDecimal(number: number): Decimal {
  let whole = number
  let halvings = 0
  while (!Number.isInteger(whole)) {
    whole *= 2
    halvings++
  }
  return [String(BigInt(whole) * 5n ** BigInt(halvings)), halvings]
}

/** The number that is nearest; infinity beyond the greatest. */
export const nearest = ([units, places]: Decimal): number => Number(`${units}e-${places}`) + 0

const scaled = (units: string, places: number): bigint => BigInt(units) * 10n ** BigInt(places)
