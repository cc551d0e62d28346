import { expect, test } from 'vitest'
import { makeDirectory, runOxbow } from './oxbow.ts'

test('reset says so where there is nothing to reset', async () => {
  const config = 'name: p\nsources: { in: { topic: {} } }\nstreams: { s: { from: in, to: { topic: out } } }\n'
  const directory = makeDirectory({ 'p.yaml': config })
  const never = await runOxbow(directory, ['reset', 'p.yaml', '--yes'])
  expect([never.code, never.stderr]).toEqual([1, 'oxbow: p has not run there yet: there is nothing to reset\n'])
  await runOxbow(directory, ['produce', 'in'], '7\n')
  const { code, stdout, stderr } = await runOxbow(directory, ['reset', 'p.yaml', '--dry-run'])
  expect([code, stdout]).toEqual([0, ''])
  expect(stderr).toBe('There is nothing to reset: p has no offsets, state, counts or internal topics there.\n')
})
