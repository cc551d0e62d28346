import { flow } from './flow.ts'

const width = 90

/** Plain data as YAML the way configs are written: what is short on one line, what is long below its name. */
function block(value: unknown, indent = 0): string {
  const line = flow(value)
  if (line.length + indent <= width || !isNested(value)) return line
  const pad = `\n${' '.repeat(indent)}`
  if (Array.isArray(value)) return value.map((item) => `${pad}- ${block(item, indent + 2).trimStart()}`).join('')
  return Object.entries(value)
    .map(([name, member]) => `${pad}${named(name, member, indent + 2)}`)
    .join('')
}

/** A name and what stands under it. @param indent where lines below it begin */
export function named(name: string, value: unknown, indent: number): string {
  const text = block(value, indent)
  return `${flow(name)}:${text.startsWith('\n') ? '' : ' '}${text}`
}

const isNested = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0
