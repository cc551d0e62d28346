import { isUtf8 } from 'node:buffer'
import type { Header, RawRecord, StoredRecord } from '../../record/record.ts'
import { isObject, parseDocument, type Fields } from './document.ts'
import { wholeNumber, type ForeignReader } from './foreignLetter.ts'

/** Names are compared without case and without what stands between words: `originalRecord` is `original_record`. */
const originals = ['originalrecord', 'originalmessage', 'originalevent', 'originalvalue', 'originalpayload', 'original']
const errors = ['error', 'exception', 'errormessage', 'exceptionmessage', 'errorreason', 'failurereason']
/** These mean it only where the topic is named like a dead-letter queue. */
const perhapsErrors = ['failure', 'reason', 'cause']
const perhapsOriginals = ['payload', 'record', 'message', 'value', 'rawvalue', 'raw', 'data', 'event', 'body']
const dlqName = /(?:^|[._-])(?:dlq|dlt|dead[._-]?letters?(?:[._-]?queue)?|errors?|failed|parking[._-]?lot)(?:$|[._-])/i

/**
 * A JSON document around the source record or beside its fields, as many services write it of their own. It needs a name for the error, and one
 * for the source record or for the topic that it came from.
 */
export const readJsonEnvelope: ForeignReader = (stored) => {
  const document = stored.value && parseDocument(stored.value)
  if (!document) return undefined
  const fields = new NamedFields(document)
  const isQueue = dlqName.test(stored.topic)
  const error = fields.first(isQueue ? [...errors, ...perhapsErrors] : errors)
  if (error === undefined) return undefined
  const holder = fields.first(isQueue ? [...originals, ...perhapsOriginals] : originals)
  const topic = fields.text(['originaltopic', 'sourcetopic', 'origintopic', ...(holder === undefined ? [] : ['topic'])])
  if (holder === undefined && topic === undefined) return undefined

  const said = isObject(error) ? new NamedFields(error) : undefined
  const source = isObject(holder) ? new NamedFields(holder) : fields
  const timestamp = timeOf(source.first(['originaltimestamp', ...(source === fields ? [] : ['timestamp'])]))
  return {
    convention: 'json',
    pipeline: fields.text(['pipeline', 'service', 'application', 'app', 'consumergroup', 'group', 'connector']),
    operator: fields.text(['operator', 'step', 'stage', 'processor', 'component', 'consumer', 'handler']),
    fault: {
      code:
        said?.text(codes) ?? fields.text(['errorcode', 'errortype', 'errorclass', 'exceptionclass', 'exceptiontype']),
      message: said?.text(['message', 'reason', 'detail', 'details', 'msg']) ?? messageOf(error, fields),
      stack: said?.text(stacks) ?? fields.text(stacks),
    },
    attempts: wholeNumber(fields.text(['attempts', 'retrycount', 'retries', 'attempt', 'deliverycount'])),
    origin: {
      topic: topic ?? source.text(['topic']),
      partition: wholeNumber(fields.text(partitions) ?? source.text(partitions)),
      offset: bigint(fields.text(offsets) ?? source.text(offsets)),
      timestamp,
    },
    failedAt: timeOf(fields.first(['failedat', 'errortimestamp', 'errortime', 'timestamp'])) ?? stored.timestamp,
    record: holder === undefined ? fieldsBeside(stored, document) : sourceRecord(stored, holder, timestamp),
  }
}

const codes = ['code', 'type', 'class', 'classname', 'name', 'exception', 'kind']
const stacks = ['stack', 'stacktrace', 'trace', 'exceptionstacktrace', 'errorstacktrace']
const partitions = ['originalpartition', 'sourcepartition', 'partition']
const offsets = ['originaloffset', 'sourceoffset', 'offset']

const folded = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

class NamedFields {
  readonly #byName: ReadonlyMap<string, unknown>

  constructor(fields: Fields) {
    this.#byName = new Map(Object.entries(fields).map(([name, value]) => [folded(name), value]))
  }

  /** The first of these that says anything. */
  first(names: readonly string[]): unknown {
    const name = names.find((one) => (this.#byName.get(one) ?? null) !== null)
    return name === undefined ? undefined : this.#byName.get(name)
  }

  text(names: readonly string[]): string | undefined {
    const value = this.first(names)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  }
}

const messageOf = (error: unknown, fields: NamedFields): string | undefined =>
  fields.text(['errormessage', 'exceptionmessage', 'errorreason']) ?? (typeof error === 'string' ? error : undefined)

const bigint = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^\d{1,19}$/.test(text) ? BigInt(text) : undefined

/** ISO 8601, or milliseconds or seconds since 1970. */
function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number')
    return value > 1e11 ? Math.round(value) : value > 1e8 ? Math.round(value * 1_000) : undefined
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(time) ? undefined : time
}

/** Text is the record's value as it was; an object is the value itself, or the record with its parts. */
function sourceRecord(stored: StoredRecord, holder: unknown, timestamp = stored.timestamp): RawRecord {
  const { key, headers } = stored
  if (!isObject(holder)) return { key, value: bytesOf(holder), headers, timestamp }
  const isRecord = 'value' in holder && Object.keys(holder).every((name) => partNames.has(folded(name)))
  if (!isRecord) return { key, value: bytesOf(holder), headers, timestamp }
  return {
    key: 'key' in holder ? bytesOf(holder.key) : key,
    value: bytesOf(holder.value),
    headers: 'headers' in holder ? headersOf(holder.headers) : headers,
    timestamp,
  }
}

const partNames = new Set(['key', 'value', 'headers', 'timestamp', 'topic', 'partition', 'offset'])

/** The fields of the source stand beside those that speak of the error. */
function fieldsBeside({ key, headers, timestamp }: StoredRecord, document: Fields): RawRecord {
  const spoken =
    /^(?:error|exception|failure|failed|retry|original|source(?:topic|partition|offset)|reason|cause|stack)/
  const own = Object.entries(document).filter(([name]) => !spoken.test(folded(name)))
  return { key, value: bytesOf(Object.fromEntries(own)), headers, timestamp }
}

function headersOf(headers: unknown): Header[] {
  if (isObject(headers)) return Object.entries(headers).map(([name, value]) => [name, bytesOf(value)])
  if (!Array.isArray(headers)) return []
  return headers.flatMap((one: unknown): Header[] => {
    const [name, value] = Array.isArray(one)
      ? (one as unknown[])
      : isObject(one)
        ? [one.key ?? one.name, one.value]
        : []
    return typeof name === 'string' ? [[name, bytesOf(value)]] : []
  })
}

function bytesOf(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return Buffer.from(value)
  if (isObject(value) && typeof value.base64 === 'string') return Buffer.from(value.base64, 'base64')
  const bytes = Buffer.from(JSON.stringify(value))
  return isUtf8(bytes) ? bytes : null
}
