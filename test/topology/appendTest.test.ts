import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { withTest } from '../../src/topology/appendTest.ts'

const test = { name: 'one', given: { in: 'a|' }, values: { a: { $value: { n: 1 } } }, expect: { 'dlq.in': '-' } }
const written = { comment: ['a letter', 'of #1'], test }

it('appends a test in the layout of the others, and touches nothing else', () => {
  const config = `# head
name:   p   # odd spaces stay
tests:
    # the first
    - name: a
      given: {in: 'a|'}   # why

# the end
more: { x: 1,   y: 2 }
`
  expect(withTest(config, written)).toBe(`# head
name:   p   # odd spaces stay
tests:
    # the first
    - name: a
      given: {in: 'a|'}   # why

    # a letter
    # of #1
    - name: one
      given: { in: a| }
      values:
        a:
          $value:
            n: 1
      expect: { dlq.in: '-' }

# the end
more: { x: 1,   y: 2 }
`)
})

it.each([
  ['none yet', 'name: p\n'],
  ['none yet, and no line end', 'name: p'],
  ['an empty key', 'name: p\ntests:\nmore: 1\n'],
  ['a list without indent', 'name: p\ntests:\n- name: a\n  given: { in: a }\nmore: 1\n'],
  ['text over several lines at the end', 'tests:\n  - name: a\n    values:\n      a: |\n        one\n\n        two\n'],
  ['Windows line ends', 'name: p\r\ntests:\r\n  - name: a\r\n'],
])('finds the place: %s', (_, config) => {
  const text = withTest(config, written)
  const { tests, ...rest } = parse(config) as { tests?: unknown[] | null }
  expect(parse(text)).toEqual({ ...rest, tests: [...(tests ?? []), test] })
  expect(/[^\r]\n/.test(text)).toBe(!config.includes('\r\n'))
})

it.each(['tests: [{ name: a }]\n', '{ name: p, tests: [] }\n', 'tests: &all\n  - name: a\n---\nx: 1\n'])(
  'refuses what it cannot append to: %s',
  (config) => expect(() => withTest(config, written)).toThrow(/write them last, as a list/),
)

it('writes any value so that it is read as it was, or refuses', () => {
  const config = 'name: p\ntests:\n  - name: a\n'
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as unknown
      if (JSON.stringify(plain).includes('"__proto__"') || JSON.stringify(plain).includes('"<<"')) return
      const text = withTest(config, {
        comment: [],
        test: { name: 'v', values: { a: { $value: plain } } } as typeof test,
      })
      expect((parse(text) as { tests: unknown[] }).tests[1]).toEqual({ name: 'v', values: { a: { $value: plain } } })
    }),
    { numRuns: 200 },
  )
})
