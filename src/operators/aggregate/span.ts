/** When a window begins and ends, as its results say it: ISO 8601. */
export interface Span {
  readonly window_start: string
  readonly window_end: string
}

/** Makes spans of milliseconds since 1970. It remembers the latest: records that follow one another mostly share a window. */
export function spans(): (start: number, end: number) => Span {
  let latest: (Span & { readonly start: number; readonly end: number }) | undefined
  return (start, end) => {
    if (latest?.start === start && latest.end === end) return latest
    latest = { start, end, window_start: new Date(start).toISOString(), window_end: new Date(end).toISOString() }
    return latest
  }
}
