import { fileURLToPath } from 'node:url'
import { asyncScheduler, firstValueFrom, from, map, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import { faultCode } from '../../src/component/faultCode.ts'
import { lift } from '../../src/component/lift.ts'
import type { Outcome } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { record } from '../support/records.ts'

/** Documented paths start from where the runnable configs are. */
const directory = fileURLToPath(new URL('../../config', import.meta.url))

const verdict = (outcome: Outcome): unknown => {
  if (outcome.type === 'emit') return outcome.results.map(({ value }) => value)
  return outcome.type === 'drop' ? `drop ${outcome.reason}` : `fail ${outcome.fault.code}`
}

describe.each(catalog.operators)('the documented examples of $name', (operator) => {
  it.each([...operator.examples])('$title', async ({ config, other, given, expect: expected }) => {
    const row = other && { value: other[0], timestamp: 0 }
    const own = context({ directory, scheduler: asyncScheduler, table: () => ({ get: () => row }) })
    const step = operator.build(operator.config.parse(config), own)
    const key = operator.keyed ? Buffer.from('k') : null
    if ('right' in step) other?.forEach((value) => step.right(record(value, { key })))
    const records = from(given.map((value) => record(value, { key })))
    const outcomes = records.pipe(lift(step, own), map(verdict), toArray())
    expect(await firstValueFrom(outcomes)).toEqual(expected)
  })

  it('are there', () => expect(operator.examples.length).toBeGreaterThan(0))
})

describe.each([...catalog.sources, ...catalog.sinks])('the documented configs of $name', ({ config, examples }) => {
  it.each([...examples])('$title', (example) => {
    expect(config.safeParse(example.config).error).toBeUndefined()
  })
})

const documented = [...catalog.sources, ...catalog.operators, ...catalog.sinks].flatMap(({ faults }) => faults)

it.each([...new Set(documented)])('%o has a code that reads noun.problem', (fault) => {
  expect(faultCode(fault)).toMatch(/^[a-z_]+\.[a-z_]+$/)
})
