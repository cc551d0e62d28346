import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { confirmed } from '../../src/cli/confirm.ts'
import { UsageError } from '../../src/cli/failure.ts'

const asked = (isTTY: boolean) => {
  const input = Object.assign(new PassThrough(), { isTTY })
  const output = new PassThrough()
  return { input, output, answer: confirmed('Delete 7 letters for good?', input, output) }
}

it.each([
  ['y\n', true],
  ['YES \n', true],
  ['\n', false],
  ['n\n', false],
  ['yes please\n', false],
])('who says %j at the terminal: %s', async (said, expected) => {
  const { input, output, answer } = asked(true)
  input.write(said)
  expect(await answer).toBe(expected)
  output.end()
  expect(await text(output)).toContain('Delete 7 letters for good? [y/N] ')
})

it('who leaves without an answer has not said yes', async () => {
  const { input, answer } = asked(true)
  input.end()
  expect(await answer).toBe(false)
})

it('where nobody is at a terminal it is said how to say yes', async () => {
  const { answer } = asked(false)
  await expect(answer).rejects.toThrow(UsageError)
  await expect(answer).rejects.toThrow('--yes says it; nothing was done')
})
