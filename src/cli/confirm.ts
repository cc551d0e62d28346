import { createInterface } from 'node:readline/promises'
import { UsageError } from './failure.ts'

/** Asks at the terminal; who leaves without an answer has not said yes. @throws UsageError where nobody is there to be asked */
export async function confirmed(
  question: string,
  input: NodeJS.ReadableStream & { readonly isTTY?: boolean } = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Promise<boolean> {
  if (!input.isTTY) throw new UsageError(`${question} Nobody is there to say so: --yes says it; nothing was done`)
  const terminal = createInterface({ input, output })
  const left = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), left])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}
