import type { IncomingMessage } from 'node:http'

/** Whether a request asks for HTML by its name, and for text no more than that: a browser does, curl does not. */
export function wantsHtml({ headers: { accept = '' } }: IncomingMessage): boolean {
  const quality = (type: string): number => {
    const range = accept.split(',').find((each) => each.split(';', 1)[0]!.trim().toLowerCase() === type)
    if (range === undefined) return 0
    return Number(/;\s*q=([\d.]+)/i.exec(range)?.[1] ?? 1)
  }
  return quality('text/html') > 0 && quality('text/html') >= quality('text/plain')
}
