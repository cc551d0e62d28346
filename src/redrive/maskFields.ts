/** What stands in a mask for what: letters and digits go, everything else stays, so that a date remains like a date. */
const shaped = (text: string): string =>
  text
    .replaceAll(/\p{Lu}/gu, 'X')
    .replaceAll(/\p{L}/gu, (letter) => (letter === 'X' ? 'X' : 'x'))
    .replaceAll(/\p{N}/gu, '0')

/** Another value of the same type and shape: texts keep their length and punctuation, numbers their sign. */
function masked(value: unknown): unknown {
  if (typeof value === 'string') return shaped(value)
  if (typeof value === 'number') return Math.sign(value) * (Number.isInteger(value) ? 1 : 1.5)
  if (typeof value === 'boolean') return false
  if (Array.isArray(value)) return value.map(masked)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, masked(part)]))
}

/** The value with what stands at the paths ("customer.name") masked, in each element of the arrays on the way. */
export const maskFields = (value: unknown, paths: readonly string[]): unknown =>
  paths.reduce((rest, path) => maskPath(rest, path.split('.')), value)

/** The value with every field masked that is called like the last name of a path, wherever it is. */
export function maskNames(value: unknown, paths: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((part) => maskNames(part, paths))
  if (value === null || typeof value !== 'object') return value
  const names = paths.map((path) => path.split('.').at(-1))
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, names.includes(name) ? masked(part) : maskNames(part, paths)]),
  )
}

/** Bytes of which nobody knows the fields: all letters and digits are masked. */
export const maskBytes = (bytes: Buffer): Buffer =>
  Buffer.from(
    bytes.toString('latin1').replaceAll(/[A-Z]/g, 'X').replaceAll(/[a-z]/g, 'x').replaceAll(/[0-9]/g, '0'),
    'latin1',
  )

function maskPath(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return masked(value)
  if (Array.isArray(value)) return value.map((element) => maskPath(element, [name, ...rest]))
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return value
  return { ...value, [name]: maskPath((value as { [name: string]: unknown })[name], rest) }
}
