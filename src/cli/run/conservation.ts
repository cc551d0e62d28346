import type { Conservation } from '../../topology/pipeline.ts'
import { print, printJson, table } from '../output.ts'

interface Report {
  readonly pipeline: string
  readonly rows: readonly Conservation[]
}

const numbers = ['read', 'emitted', 'dropped', 'dead', 'inFlight'] as const

/** Prints `read = emitted + dropped + dead + in flight` for each source and stream. */
export async function printConservation(reports: readonly Report[], json: boolean): Promise<void> {
  if (json) {
    for (const { rows } of reports) for (const row of rows) await printJson(ordered(row))
    return
  }
  const several = reports.length > 1
  const columns = [
    ...(several ? ['pipeline'] : []),
    'source',
    'stream',
    'read',
    'emitted',
    'dropped',
    'dead',
    'in flight',
  ]
  const lines = reports.flatMap(({ pipeline, rows }) =>
    rows.map((row) => [...(several ? [pipeline] : []), row.source, row.stream, ...numbers.map((name) => row[name])]),
  )
  await print(table(columns, lines))
  const gone = new Map(reports.flatMap(({ rows }) => rows.map(({ source, expired = 0 }) => [source, expired])))
  for (const [source, expired] of gone)
    if (expired > 0)
      await print(`${source}: ${expired} offsets were deleted before they were read, and are not counted.\n`)
}

const ordered = ({ source, stream, read, emitted, dropped, dead, inFlight, expired }: Conservation): Conservation => ({
  source,
  stream,
  read,
  emitted,
  dropped,
  dead,
  inFlight,
  ...(expired !== undefined && { expired }),
})
