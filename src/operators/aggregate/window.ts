import { z } from 'zod'
import { duration, durationText } from '../../component/fields.ts'

const century = 36_500 * 86_400_000

const span = () => duration().refine((milliseconds) => milliseconds <= century, 'expected at most 36500d')
const atLeast1 = () => span().refine((milliseconds) => milliseconds > 0, 'expected more than no time')

/** How time is cut: see `window()`. All in milliseconds. */
export type WindowKind =
  | { readonly kind: 'fixed'; readonly size: number; readonly every: number }
  | { readonly kind: 'sliding'; readonly size: number }
  | { readonly kind: 'session'; readonly gap: number }

/** As configs write it. */
export function windowText(window: WindowKind): string {
  if (window.kind === 'session') return `{ session: ${durationText(window.gap)} }`
  const size = durationText(window.size)
  if (window.kind === 'sliding') return `{ sliding: ${size} }`
  return window.every === window.size
    ? `{ tumbling: ${size} }`
    : `{ hopping: ${size}, every: ${durationText(window.every)} }`
}

/** A config field that says how time is cut. */
export const window = () =>
  z
    .strictObject({
      tumbling: atLeast1().optional().describe('Windows of this size, one after another.'),
      hopping: atLeast1().optional().describe('Windows of this size; a new one begins every so often.'),
      every: atLeast1().optional().describe('How often a hopping window begins.'),
      sliding: span()
        .optional()
        .describe('For each record, the window of this size that ends with it; also those that begin right after one.'),
      session: atLeast1().optional().describe('As long as records come: until none came for this time.'),
    })
    .transform(({ tumbling, hopping, every, sliding, session }, context): WindowKind => {
      const issue = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path })
      if ([tumbling, hopping, sliding, session].filter((kind) => kind !== undefined).length !== 1) {
        issue('expected one of `tumbling`, `hopping` (with `every`), `sliding` and `session`')
      } else if ((hopping === undefined) !== (every === undefined)) {
        issue('`hopping` and `every` go together, such as `{ hopping: 1h, every: 10m }`')
      } else if (hopping !== undefined && every! > hopping) {
        issue('expected it to be no longer than `hopping`: records between the windows would be in none', ['every'])
      }
      if (tumbling !== undefined) return { kind: 'fixed', size: tumbling, every: tumbling }
      if (hopping !== undefined) return { kind: 'fixed', size: hopping, every: every ?? hopping }
      if (sliding !== undefined) return { kind: 'sliding', size: sliding }
      return { kind: 'session', gap: session ?? 1 }
    })
