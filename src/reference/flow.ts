/** A value as YAML on one line: `{ by: record.id, within: 24h }`. */
export function flow(value: unknown): string {
  if (typeof value === 'string') return scalar(value)
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  if (entries.length === 0) return '{}'
  return `{ ${entries.map(([name, member]) => `${scalar(name)}: ${flow(member)}`).join(', ')} }`
}

/** Text that YAML reads as this very text without quotes. */
const plainText = /^[A-Za-z./][\w./ +*()<>=-]*$|^\d+(ms|s|m|h|d|B|KiB|MiB|GiB)$/
const otherMeaning = /^(true|false|null|yes|no|on|off|y|n)$|: | #| $/i

const scalar = (text: string): string =>
  plainText.test(text) && !otherMeaning.test(text) ? text : JSON.stringify(text)
