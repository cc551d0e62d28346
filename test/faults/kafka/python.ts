import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const venv = join(import.meta.dirname, '../../../node_modules/.cache/oxbow-python')

/** A Python that has librdkafka, set up at its first use. */
export function pythonWithKafka(): string {
  if (!existsSync(join(venv, 'ready'))) {
    try {
      execFileSync('python3', ['-m', 'venv', venv])
      execFileSync(join(venv, 'bin/pip'), ['install', '-q', 'confluent-kafka==2.12.2'], { stdio: 'inherit' })
      execFileSync('touch', [join(venv, 'ready')])
    } catch (cause) {
      throw new Error('The independent reader needs python3 with venv, and confluent-kafka from PyPI.', { cause })
    }
  }
  return join(venv, 'bin/python')
}
