import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { linesOf } from '../../src/cli/dlq/import.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { deadLetter } from '../../src/deadletter/letter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { keptLetters } from '../../src/redrive/keptLetters.ts'
import { letterLine } from '../../src/redrive/letterLine.ts'
import { append } from '../support/pipeline.ts'
import { binary, jsonLines, makeDirectory } from './oxbow.ts'

const topic = 'dlq.in'

/** Letters as `oxbow dlq export` writes them. */
async function exported(count: number): Promise<string> {
  const broker = await openEmbedded({ directory: ':memory:' })
  const ledger = new Ledger(broker)
  const failedAt = Date.now()
  const letters = Array.from({ length: count }, (_, n) => {
    const origin = { source: 'in', topic: 'in', partition: 0, offset: BigInt(n), timestamp: 5 }
    const raw = { key: null, value: Buffer.from('{}'), headers: [], timestamp: 5 }
    const fault = new RecordedFault('value.bad', 'It is bad.', 'deadLetter')
    const failure = { raw, input: { value: {}, index: '', origin }, operator: 'one.map', fault, attempts: 1, hops: 0 }
    const context = { pipeline: 'p', revision: 'r', topic, envelope: 'headers' as const, redact: redactor([], []) }
    return deadLetter({ ...failure, failedAt, firstFailedAt: failedAt }, context)
  })
  await append(broker, letters)
  let lines = ''
  for await (const kept of keptLetters(broker, ledger, [topic], {})) lines += letterLine(kept, [])
  await ledger.close()
  await broker.close()
  return lines
}

it('lines are not lost where nobody reads them at once', async () => {
  const path = join(makeDirectory(), 'lines')
  writeFileSync(path, 'one\ntwo\nthree\n')
  const lines = linesOf(path)
  // As long as a broker takes to make topics: what came meanwhile was lost once.
  await sleep(50)
  const found: string[] = []
  for await (const line of lines) found.push(line)
  expect(found).toEqual(['one', 'two', 'three'])
})

it('dlq import takes letters from a pipe, whose lines come before its topics are there', async () => {
  const directory = makeDirectory({ letters: await exported(300) })
  const command = 'cat letters | "$0" "$1" dlq import /dev/stdin --into "$2" --json'
  const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, binary, topic], {
    cwd: directory,
  })
  expect(jsonLines(stdout)).toEqual([{ imported: 300, present: 0, old: 0, refused: {} }])
})
