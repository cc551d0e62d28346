import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { fingerprint, fingerprintOfLetter } from '../../src/deadletter/fingerprint.ts'
import { digitsAlike, shapeOf } from '../../src/deadletter/fingerprint/shape.ts'
import { RecordedFault, UnexpectedFault } from '../../src/record/fault.ts'
import { componentFaults } from './faults/components.ts'
import { javaFaults } from './faults/java.ts'
import type { LabelledFault } from './faults/labelled.ts'
import { laterFaults } from './faults/later.ts'
import { messageFaults } from './faults/messages.ts'
import { stackFaults } from './faults/stacks.ts'

const faults: readonly LabelledFault[] = [
  ...(await componentFaults()),
  ...stackFaults(),
  ...javaFaults(),
  ...messageFaults(),
  ...laterFaults(),
]

interface Sorted {
  readonly reason: string
  readonly group: string
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0)

const tally = (texts: readonly string[]): number[] =>
  [...Map.groupBy(texts, (text) => text).values()].map(({ length }) => length)

/** How much is left to be told of the one when the other is known, as a part of all there is to tell of it. */
function told(sorted: readonly Sorted[], of: keyof Sorted, by: keyof Sorted): number {
  const entropy = (texts: readonly string[]): number =>
    -sum(tally(texts).map((count) => (count / texts.length) * Math.log(count / texts.length)))
  const all = entropy(sorted.map((one) => one[of]))
  const parts = [...Map.groupBy(sorted, (one) => one[by]).values()]
  return 1 - sum(parts.map((part) => (part.length / sorted.length) * entropy(part.map((one) => one[of])))) / all
}

const purity = (sorted: readonly Sorted[]): number =>
  sum(
    [...Map.groupBy(sorted, ({ group }) => group).values()].map((part) =>
      Math.max(...tally(part.map(({ reason }) => reason))),
    ),
  ) / sorted.length

describe('fingerprints of labelled faults', () => {
  const sorted = faults.map((fault) => ({ ...fault, group: fault.fingerprint ?? fingerprint(fault) }))

  const figures = {
    faults: sorted.length,
    purity: purity(sorted),
    homogeneity: told(sorted, 'reason', 'group'),
    completeness: told(sorted, 'group', 'reason'),
  }
  const several = (by: keyof Sorted, of: keyof Sorted) =>
    [...Map.groupBy(sorted, (one) => one[by]).values()]
      .map((part) => [...new Set(part.map((one) => one[of]))])
      .filter((different) => different.length > 1)

  it('are pure: a group has one reason', () => {
    expect(figures.faults).toBeGreaterThanOrEqual(200)
    expect(figures.purity, JSON.stringify(several('group', 'reason'))).toBeGreaterThanOrEqual(0.98)
    expect(figures.homogeneity).toBeGreaterThanOrEqual(0.98)
  })

  it('are complete: a reason has one group', () => {
    expect(figures.completeness, JSON.stringify(several('reason', 'group'))).toBeGreaterThanOrEqual(0.95)
  })
})

describe('a fingerprint', () => {
  const traits = { operator: 's.map', code: 'value.bad', message: 'It is bad.', stack: '' }
  const thrown = (stack: string) => fingerprint({ ...traits, stack: `Fault: it threw\nCaused by: ${stack}` })

  it('says the version of its rules', () => {
    expect(fingerprint(traits)).toMatch(/^2-[0-9a-f]{16}$/)
  })

  it('tells operators and codes apart', () => {
    const all = [traits, { ...traits, operator: 's.set' }, { ...traits, code: 'value.worse' }].map(fingerprint)
    expect(new Set(all).size).toBe(3)
  })

  it('is what the fault says, before all else', () => {
    const { fingerprint: said } = new UnexpectedFault(
      's.use',
      Object.assign(new Error('no VAT'), { fingerprint: 'vat' }),
    )
    const { fingerprint: failed } = new RecordedFault('vat.missing', 'None.', 'deadLetter', 'vat')
    expect([said, failed]).toEqual(['vat', 'vat'])
    const explicit = fingerprint({ ...traits, explicit: 'vat' })
    expect(fingerprint({ operator: 'other', code: 'x.y', message: 'Else.', stack: 'Else', explicit: 'vat' })).toBe(
      explicit,
    )
    expect(explicit).not.toBe(fingerprint(traits))
  })

  it('goes by the place in the own code, and by what was thrown there', () => {
    const at = (line: number, place = 'score') =>
      `\n    at ${place} (file:///app/score.ts:${line}:5)\n    at node:internal/x:1:1`
    expect(thrown(`Error: no 7${at(3)}`)).toBe(thrown(`Error: no 8${at(99)}`))
    expect(thrown(`Error: no 7${at(3)}`)).not.toBe(thrown(`Error: no 7${at(3, 'total')}`))
    expect(thrown(`Error: no 7${at(3)}`)).not.toBe(thrown(`Error: too few 7${at(3)}`))
  })

  it('does not go by how deep a recursion went', () => {
    const walked = (depth: number) =>
      `Error: no end${'\n    at walk (/app/tree.ts:3:9)'.repeat(depth)}${depth < 9 ? '\n    at default (/app/tree.ts:9:3)' : ''}`
    expect(thrown(walked(9))).toBe(thrown(walked(3)))
  })

  it.each([
    ['"price" is a string, expected a number', '"price" is a string, expected a number'],
    ['The record has no field "vat".', 'The record has no field "vat"'],
    [`Cannot read properties of undefined (reading 'rate')`, 'Cannot read properties of undefined (reading "rate")'],
    ['https://a.example/7 answered with status 503.', '# answered with status 503'],
    ['Customer ann@example.org owes EUR 7.50 since 2026-01-08T12:00:00Z', 'Customer # owes EUR # since #'],
    ['cannot read {"a": {"b": 1}}: no price', 'cannot read #: no price'],
    ['/lines/0/sku is missing; /lines/3/sku is missing; and 9 more.', '/lines/#/sku is missing'],
    ['Unexpected token \'b\', "{bad" is not valid JSON', 'not JSON'],
  ])('leaves values out of %j', (message, shape) => {
    expect(shapeOf(message)).toBe(shape)
  })

  it('does not differ with any number, id or quoted text', () => {
    const anything = fc.oneof(
      fc.integer({ min: 0 }),
      fc.double({ noNaN: true, min: 0, max: 1e15 }),
      fc.uuid(),
      fc.ipV4(),
    )
    const said = (one: unknown) => shapeOf(`Order ${String(one)} of today is not known`)
    fc.assert(fc.property(anything, (one) => void expect(said(one)).toBe(said(7))))
    const quoted = fc.string().filter((text) => !/["\\]/.test(text))
    fc.assert(
      fc.property(
        quoted,
        (text) => void expect(shapeOf(`Unknown status "${text}" there`)).toBe('Unknown status # there'),
      ),
    )
  })

  it('is the same for all messages that are alike but for digits', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(shapeOf(digitsAlike(text))).toBe(shapeOf(text))))
  })

  it('of an earlier version is made anew of what the letter says; of this one it is kept', () => {
    const { code, message, stack } = traits
    const letter = { operator: traits.operator, fault: { code, message, stack } }
    expect(fingerprintOfLetter({ ...letter, fingerprint: '13ef5a9203026cf6' })).toBe(fingerprint(traits))
    expect(fingerprintOfLetter({ ...letter, fingerprint: '2-0000000000000000' })).toBe('2-0000000000000000')
  })
})
