import { styleText } from 'node:util'

const styles = { debug: 'dim', info: 'cyan', warn: 'yellow', error: 'red' } as const

/** A JSON log line as a person reads it: `12:00:05 WARN  message  field=value`, an error's stack below. */
export function prettyLine(line: string): string {
  const { level, time, message, ...fields } = JSON.parse(line) as {
    readonly level: keyof typeof styles
    readonly time: string
    readonly message: string
    readonly [field: string]: unknown
  }
  const stacks: string[] = []
  const shown = Object.entries(fields).map(([name, value]) => {
    const stack = stackOf(value)
    if (stack !== undefined) stacks.push(stack)
    return styleText('dim', ` ${name}=${stack === undefined ? asText(value) : JSON.stringify(firstLine(stack))}`)
  })
  const label = styleText(styles[level], level.toUpperCase().padEnd(5))
  const below = stacks.map((stack) => `\n${stack.replaceAll(/^/gm, '    ')}`)
  return `${time.slice(11, 19)} ${label} ${message}${shown.length > 0 ? ' ' : ''}${shown.join('')}${below.join('')}\n`
}

function stackOf(value: unknown): string | undefined {
  const stack = typeof value === 'object' && value !== null && 'stack' in value ? value.stack : undefined
  return typeof stack === 'string' ? stack : undefined
}

const firstLine = (text: string): string => text.split('\n', 1)[0]!

const asText = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
