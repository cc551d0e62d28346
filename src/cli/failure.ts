/** The command was called wrongly, or a config is wrong; nothing was started. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command could not do what it was asked to; the message says why and what would help. Exit code 1. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
}

export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** An exit code to end with, when all that is to be said has been said. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit ${exitCode}`)
    this.exitCode = exitCode
  }
}

/** @returns the exit code, and what to print on stderr */
export function describeFailure(thrown: unknown): { readonly exitCode: number; readonly text?: string } {
  if (thrown instanceof Exit) return { exitCode: thrown.exitCode }
  if (!(thrown instanceof Error)) return { exitCode: exitCodes.failed, text: `oxbow: ${String(thrown)}` }
  switch (thrown.name) {
    case 'ConfigError':
      return { exitCode: exitCodes.usage, text: thrown.message }
    case 'UsageError':
      return { exitCode: exitCodes.usage, text: `oxbow: ${thrown.message}` }
    case 'CommandFailure':
    case 'LettersChanged':
    case 'NoSuchLetter':
    case 'BrokerError':
      return { exitCode: exitCodes.failed, text: `oxbow: ${thrown.message}` }
  }
  // What the system refuses (a file, a port) is not a bug, and its message says enough.
  if ('syscall' in thrown) return { exitCode: exitCodes.failed, text: `oxbow: ${thrown.message}` }
  const text = `oxbow: this is a bug in Oxbow; please report it with these lines.\n${thrown.stack ?? thrown.message}`
  return { exitCode: exitCodes.failed, text }
}
