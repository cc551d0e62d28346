import { pino, type DestinationStream } from 'pino'
import type { Log } from '../component/context.ts'
import { mask, redactor } from '../deadletter/redact.ts'
import { prettyLine } from './prettyLine.ts'

type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface LogOptions {
  /** The lowest level that is written; `info` when absent. */
  readonly level?: LogLevel
  /** Takes one line at a time; standard error when absent. */
  readonly destination?: DestinationStream
  /** Texts that are never to be shown: values that configs took from the environment. */
  readonly secrets?: readonly string[]
  /** The thread that logs, a field of each line; no field when absent. */
  readonly thread?: number
}

/**
 * Structured logging as JSON lines on standard error, or as lines for people where that is a terminal.
 * Secrets, and fields that are named like one, are masked.
 */
export function createLog(options: LogOptions = {}): Log {
  const { level = 'info', destination = logDestination(), secrets = [], thread } = options
  const logger = pino(
    {
      level,
      base: thread === undefined ? null : { thread },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  const redact = redactor([], secrets)
  const clean = (text: string) => redact.text(text, undefined)
  const at = (name: Exclude<LogLevel, 'silent'>) => (fields: object, message: string) => {
    if (logger.isLevelEnabled(name)) logger[name](loggable(fields, clean, 0) as object, clean(message))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

const secretName = /pass(word|wd)|secret|token|api[_-]?key|authorization|credential/i
const deepest = 6

/** A field's value as plain data that JSON can hold, its texts cleaned. */
function loggable(value: unknown, clean: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return clean(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (depth >= deepest) return '…'
  if (Array.isArray(value)) return value.map((element) => loggable(element, clean, depth + 1))
  const entries = value instanceof Error ? errorFields(value) : Object.entries(value)
  return Object.fromEntries(
    entries.map(([name, inner]) => [
      name,
      secretName.test(name) && typeof inner === 'string' ? mask : loggable(inner, clean, depth + 1),
    ]),
  )
}

function errorFields(error: Error): [string, unknown][] {
  const { name, message, stack, cause } = error
  return Object.entries({ ...error, name, message, stack, ...(cause !== undefined && { cause }) })
}

/** Takes the lines of logs, one at a time: standard error, for people where that is a terminal. */
export function logDestination(): DestinationStream {
  const stream = pino.destination({ fd: 2, sync: true })
  if (!process.stderr.isTTY) return stream
  return { write: (line) => void stream.write(prettyLine(line)) }
}
