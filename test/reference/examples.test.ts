import { fileURLToPath } from 'node:url'
import { asyncScheduler, firstValueFrom, from, map, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { catalog } from '../../src/catalog.ts'
import { faultCode } from '../../src/component/faultCode.ts'
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
  it.each([...operator.examples])('$title', async ({ config, given, expect: expected }) => {
    const own = context({ directory, scheduler: asyncScheduler })
    const outcomes = from(given.map((value) => record(value))).pipe(operator.over(config, own), map(verdict), toArray())
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
