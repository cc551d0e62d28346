import { mask } from '../../deadletter/redact.ts'
import type { Header } from '../../record/record.ts'
import { externalSources, type Plan } from '../../topology/plan.ts'
import { may, type User } from '../security/users.ts'
import { shownBytes, type ShownBytes } from './shown.ts'

/** Shows records to somebody: fields that a config redacts are for those who may act on letters. */
export interface Veil {
  /** @param most bytes that are shown */
  value(bytes: Buffer | null, most: number): ShownBytes | null
  header(header: Header, most: number): readonly [name: string, value: ShownBytes | null]
  /** Whether bytes may be shown as they are. */
  readonly isOpen: boolean
}

const secretName = /authorization|cookie|passw|secret|token|api[_-]?key|credential|session/i

export function veilFor(user: User, plans: readonly Plan[]): Veil {
  const isOpen = may(user, 'operate')
  const policies = plans.flatMap((plan) => externalSources(plan).map(({ deadLetters }) => deadLetters.redact))
  const fields = new Set(policies.flatMap((redact) => redact.fields))
  const shown = (bytes: Buffer | null, most: number) => bytes && shownBytes(bytes, most)
  if (isOpen) return { isOpen, value: shown, header: ([name, value], most) => [name, shown(value, most)] }
  return {
    isOpen: fields.size === 0,
    value: (bytes, most) => (bytes === null || fields.size === 0 ? shown(bytes, most) : veiled(bytes, most)),
    header: ([name, value], most) =>
      value !== null && (secretName.test(name) || fields.has(name))
        ? [name, hidden(value)]
        : [name, shown(value, most)],
  }

  /** What cannot be looked into is hidden as a whole. */
  function veiled(bytes: Buffer, most: number): ShownBytes {
    const document = parse(bytes)
    if (document === undefined) return { size: bytes.length, masked: true }
    const masked = policies.reduce((value, redact) => redact.value(value), document.value)
    if (masked === document.value) return shownBytes(bytes, most)
    return { ...shownBytes(Buffer.from(JSON.stringify(masked)), most), size: bytes.length, masked: true }
  }
}

const hidden = (value: Buffer): ShownBytes => ({ size: value.length, text: mask, masked: true })

function parse(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(bytes.toString()) as unknown }
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}
