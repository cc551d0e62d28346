import type { Log } from '../../component/context.ts'
import type { Session } from './session.ts'

/** Milliseconds between two looks: at a terminal, and in a log. */
const every = { terminal: 500, log: 5_000 }

interface Totals {
  readonly read: number
  readonly emitted: number
  readonly dropped: number
  readonly dead: number
}

/** Shows how far the pipelines have come since now, on standard error; returns what ends it. */
export async function showProgress(session: Session, log: Log): Promise<() => void> {
  const terminal = process.stderr.isTTY
  const first = await totalsOf(session)
  const startedAt = performance.now()
  let last = first
  let lastAt = startedAt

  const look = async () => {
    const now = await totalsOf(session)
    const at = performance.now()
    const perSecond = Math.round(((now.read - last.read) * 1_000) / Math.max(1, at - lastAt))
    const shown = { ...since(first, now), perSecond }
    if (terminal) process.stderr.write(`\r\u001b[2K${words(shown)}\r`)
    else log.info(shown, `Working: ${words(shown)}.`)
    last = now
    lastAt = at
  }
  const report = (thrown: unknown) => log.warn({ error: thrown }, 'The progress could not be read.')
  const timer = setInterval(() => void look().catch(report), terminal ? every.terminal : every.log)
  return () => {
    clearInterval(timer)
    if (terminal) process.stderr.write('\u001b[2K')
  }
}

async function totalsOf(session: Session): Promise<Totals> {
  const rows = (await session.conservation()).flatMap((report) => report.rows)
  const sum = (name: keyof Totals) => rows.reduce((total, row) => total + row[name], 0)
  return { read: sum('read'), emitted: sum('emitted'), dropped: sum('dropped'), dead: sum('dead') }
}

const since = (first: Totals, now: Totals): Totals => ({
  read: now.read - first.read,
  emitted: now.emitted - first.emitted,
  dropped: now.dropped - first.dropped,
  dead: now.dead - first.dead,
})

function words({ read, emitted, dropped, dead, perSecond }: Totals & { readonly perSecond: number }): string {
  const [r, e, d, x, s] = [read, emitted, dropped, Math.abs(dead), perSecond].map((n) => n.toLocaleString('en-US'))
  // Letters that are sent back, and pass, count as dead no longer.
  return `${r} read, ${e} emitted, ${d} dropped, ${x} ${dead < 0 ? 'no longer dead' : 'dead'}, ${s}/s`
}
