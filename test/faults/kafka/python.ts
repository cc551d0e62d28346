import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const venv = join(import.meta.dirname, '../../../node_modules/.cache/oxbow-python')
const run = promisify(execFile)

/** Runs a script of this directory with librdkafka at hand, set up at its first use. @returns what it printed */
export async function python(script: string, args: readonly string[]): Promise<string> {
  if (!existsSync(join(venv, 'ready'))) {
    try {
      execFileSync('python3', ['-m', 'venv', venv])
      execFileSync(join(venv, 'bin/pip'), ['install', '-q', 'confluent-kafka==2.12.2'], { stdio: 'inherit' })
      execFileSync('touch', [join(venv, 'ready')])
    } catch (cause) {
      throw new Error('The independent reader needs python3 with venv, and confluent-kafka from PyPI.', { cause })
    }
  }
  const { stdout } = await run(join(venv, 'bin/python'), [join(import.meta.dirname, script), ...args], {
    maxBuffer: 16_777_216,
  })
  return stdout
}
