import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalog } from '../src/catalog.ts'
import { faultCode } from '../src/component/faultCode.ts'

const names = (specs: readonly { readonly name: string }[]) => specs.map(({ name }) => name)

const files = (folder: string) =>
  readdirSync(new URL(`../src/${folder}`, import.meta.url))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3))
    .toSorted()

test.each(['sources', 'operators', 'sinks'] as const)('every file of src/%s is a component of that name', (kind) => {
  expect(names(catalog[kind])).toEqual(files(kind))
})

test('every fault of every component has a code', () => {
  const faults = [...catalog.sources, ...catalog.operators, ...catalog.sinks].flatMap((spec) => spec.faults)
  for (const fault of faults) expect(faultCode(fault)).toMatch(/^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/)
})

test.each([
  ['sources', 'topic', 'value.unreadable'],
  ['sources', 'file', 'value.unreadable'],
  ['sources', 'http', 'value.unreadable'],
  ['sources', 'rss', 'http.timeout'],
  ['operators', 'enrich', 'http.timeout'],
  ['sinks', 'webhook', 'http.timeout'],
] as const)('of %s, %s documents %s', (kind, name, code) => {
  const spec = catalog[kind].find((each) => each.name === name)!
  expect(spec.faults.map(faultCode)).toContain(code)
})
