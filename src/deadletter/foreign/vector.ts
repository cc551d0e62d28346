import { isObject, parseDocument } from './document.ts'
import type { ForeignReader } from './foreignLetter.ts'

/** Vector: an event that `remap` dropped with `reroute_dropped` says why in `metadata.dropped`. */
export const readVector: ForeignReader = (stored) => {
  if (!stored.value?.includes('"dropped"')) return undefined
  const document = parseDocument(stored.value)
  const { metadata, ...event } = document ?? {}
  if (!isObject(metadata) || !isObject(metadata.dropped)) return undefined
  const { dropped, ...rest } = metadata
  if (typeof dropped.component_id !== 'string') return undefined
  const text = (name: string) => (typeof dropped[name] === 'string' ? dropped[name] : undefined)
  const kept = Object.keys(rest).length > 0 ? { ...event, metadata: rest } : event
  return {
    convention: 'vector',
    pipeline: text('component_kind'),
    operator: text('component_id'),
    fault: { code: text('reason'), message: text('message'), stack: '' },
    origin: {},
    failedAt: stored.timestamp,
    record: { ...stored, value: Buffer.from(JSON.stringify(kept)) },
  }
}
