import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { deadLetter } from '../../src/deadletter/letter.ts'
import { redactor } from '../../src/deadletter/redact.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import type { OutputRecord } from '../../src/record/record.ts'
import { dlq } from '../support/dlq.ts'
import { append, output } from '../support/pipeline.ts'
import { makeDirectory } from './oxbow.ts'

/** A letter that a pipeline wrote of the source orders. */
function letterOf(pipeline: string): OutputRecord {
  const origin = { source: 'orders', topic: 'orders', partition: 0, offset: 0n, timestamp: 5 }
  const failure = {
    ...{ raw: { key: null, value: Buffer.from('{}'), headers: [], timestamp: 5 }, attempts: 1, hops: 0 },
    ...{ input: { value: {}, index: '', origin }, operator: 'one.map', firstFailedAt: 6, failedAt: 6 },
    fault: new RecordedFault('value.bad', 'It is bad.'),
  }
  const context = { pipeline, revision: 'r', topic: 'dlq.orders', redact: redactor([], []) }
  return deadLetter(failure, { ...context, envelope: 'headers' })
}

it('who sends all letters back is told of those of another pipeline, and of those on a queue', async () => {
  const directory = makeDirectory({
    'new.yaml': `
name: new
sources: { orders: { topic: {} }, others.dlq: { deadLetterQueue: {} } }
streams: { one: { from: [orders, others.dlq], to: { topic: out } } }`,
  })
  const broker = await openEmbedded({ directory: join(directory, 'data') })
  await append(broker, [letterOf('old'), output('others.dlq', { original_record: '{}', error: 'no price' })])
  await broker.close()
  const said: string[] = []
  const errors = vi.spyOn(console, 'error').mockImplementation((line) => void said.push(String(line)))
  const file = join(directory, 'new.yaml')
  const redrive = (...words: string[]) => dlq('redrive', file, '--data', join(directory, 'data'), ...words)
  try {
    expect((await redrive('--all')).lines).toEqual([])
    expect(said.splice(0)).toEqual([
      '1 letter of the pipeline old left alone; if new was called so before: --formerly old',
      '1 open letter on others.dlq not looked at, which the streams have had already; to send them through once more: --topic others.dlq',
    ])
    await redrive('--all', '--source', 'orders')
    expect(said.splice(0)).toEqual([
      '1 letter of the pipeline old left alone; if new was called so before: --formerly old',
    ])
    await dlq('discard', file, '--data', join(directory, 'data'), '--all', '--source', 'others.dlq')
    expect(said.splice(0)).toEqual([
      '1 open letter on others.dlq not looked at, which the streams have had already; to discard them: --topic others.dlq',
    ])
    expect((await redrive('--all', '--topic', 'others.dlq', '--to', 'later')).lines).toHaveLength(1)
    expect((await redrive('--all', '--formerly', 'old')).lines).toHaveLength(1)
    expect(said).toEqual([])
    const at = [file, '--data', join(directory, 'data'), '--all', '--why', 'lost']
    expect((await dlq('discard', ...at, '--formerly', 'old')).lines).toHaveLength(1)
    said.splice(0)
    expect((await dlq('reopen', ...at)).lines).toEqual([])
    const onQueue =
      '1 resolved or discarded letter on others.dlq not looked at, which the streams have had already; to open them again: --topic others.dlq'
    expect(said.splice(0)).toEqual([
      '1 letter of the pipeline old left alone; if new was called so before: --formerly old',
      onQueue,
    ])
    expect((await dlq('reopen', ...at, '--formerly', 'old')).lines).toHaveLength(1)
    expect(said).toEqual([onQueue])
  } finally {
    errors.mockRestore()
  }
})

it.each([
  ['redrive', '--all'],
  ['discard', '--all'],
  ['rehearse', '--group', '2-0f5e2b4c9d8a7f6e'],
  ['reopen', '--all', '--why', 'lost'],
])('dlq %s says that a topic or a source is not there', async (command, ...words) => {
  const directory = makeDirectory({
    'new.yaml': `
name: new
sources: { orders: { topic: {} } }
streams: { one: { from: orders, to: { topic: out } } }`,
  })
  const at = [command, join(directory, 'new.yaml'), '--data', join(directory, 'data'), ...words]
  const broker = await openEmbedded({ directory: join(directory, 'data') })
  await broker.ensureTopics([{ name: 'orders' }])
  await broker.close()
  await expect(dlq(...at, '--topic', 'dlq.order')).rejects.toThrow('there is no topic dlq.order; nothing was done')
  await expect(dlq(...at, '--source', 'order')).rejects.toThrow('new has no source order, only orders')
})
