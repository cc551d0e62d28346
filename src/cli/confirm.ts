import { createInterface } from 'node:readline/promises'
import { UsageError } from './failure.ts'

/** Asks at the terminal. @throws UsageError where nobody is there to be asked */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError(`${question} Nobody is there to say so: --yes says it; nothing was done`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
