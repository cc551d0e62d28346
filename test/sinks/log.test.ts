import { expect, it } from 'vitest'
import { log } from '../../src/sinks/log.ts'
import { recordedLog } from '../sources/connect.ts'
import { openSink, record } from './write.ts'

const { signal } = new AbortController()

it('writes each record as a line with where it is from', async () => {
  const lines = recordedLog()
  const sink = await openSink(log, {}, { log: lines })
  const given = record({ a: 1 }, 'k')
  expect(await sink.write([given, record(Buffer.from('bytes'))], signal)).toEqual(['written', 'written'])
  expect(lines.lines).toMatchObject([
    { level: 'info', fields: { key: 'k', value: { a: 1 }, from: `in/0/${given.origin.offset}` }, message: 'out' },
    { level: 'info', fields: { key: null, value: 'bytes' } },
  ])
})

it('takes the level from the config and the message from the text of the value', async () => {
  const lines = recordedLog()
  const sink = await openSink(log, { level: 'warn' }, { log: lines })
  await sink.write([record({ text: 'many dead letters', size: 7 })], signal)
  expect(lines.lines).toMatchObject([{ level: 'warn', message: 'many dead letters', fields: { value: { size: 7 } } }])
})
