import { vi } from 'vitest'
import { dlqCommand } from '../../src/cli/dlq.ts'
import { describeFailure } from '../../src/cli/failure.ts'
import { jsonLines } from '../cli/oxbow.ts'

/**
 * Runs `oxbow dlq …` in this process, which has everything loaded already; one at a time.
 * @returns what it prints with `--json`, and its exit code
 */
export async function dlq(...words: readonly string[]): Promise<{ readonly code: number; readonly lines: unknown[] }> {
  let text = ''
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  let code = 0
  try {
    await dlqCommand().parseAsync([...words, '--json'], { from: 'user' })
  } catch (thrown) {
    const failure = describeFailure(thrown)
    if (failure.text !== undefined) throw thrown
    code = failure.exitCode
  } finally {
    written.mockRestore()
  }
  return { code, lines: jsonLines(text) }
}
