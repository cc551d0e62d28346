import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createLog, type LogOptions } from '../../src/monitor/log.ts'
import { prettyLine } from '../../src/monitor/prettyLine.ts'
import type { Log } from '../../src/component/context.ts'

function written(options: Omit<LogOptions, 'destination'>, write: (log: Log) => void): { [name: string]: unknown }[] {
  const lines: string[] = []
  write(createLog({ ...options, destination: { write: (line) => void lines.push(line) } }))
  return lines.map((line) => JSON.parse(line))
}

describe('the log', () => {
  it('writes one JSON object a line: level, time, fields, message', () => {
    const [line] = written({}, (log) => log.warn({ source: 'rss.events', again: 2_000 }, 'not read'))
    expect(Object.keys(line!)).toEqual(['level', 'time', 'source', 'again', 'message'])
    expect(line).toMatchObject({ level: 'warn', source: 'rss.events', again: 2_000, message: 'not read' })
    expect(line!.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
  })

  it('leaves out what is below its level', () => {
    const all = (log: Log) => (['debug', 'info', 'warn', 'error'] as const).forEach((level) => log[level]({}, level))
    const messages = (level: LogOptions['level']) => written({ level: level! }, all).map(({ message }) => message)
    expect(messages('debug')).toEqual(['debug', 'info', 'warn', 'error'])
    expect(messages('warn')).toEqual(['warn', 'error'])
    expect(messages('silent')).toEqual([])
    expect(written({}, all).map(({ message }) => message)).toEqual(['info', 'warn', 'error'])
  })

  it('masks secrets in messages, fields, lists and errors', () => {
    const secrets = ['hunter2"quoted']
    const lines = written({ secrets }, (log) => {
      log.error(
        { nested: { list: ['x hunter2"quoted y'] }, cause: new Error('no entry for hunter2"quoted') },
        'hunter2"quoted was refused',
      )
    })
    expect(JSON.stringify(lines)).not.toContain('hunter2')
    expect(lines[0]).toMatchObject({
      message: '[redacted] was refused',
      nested: { list: ['x [redacted] y'] },
      cause: { name: 'Error', message: 'no entry for [redacted]' },
    })
  })

  it('masks credentials that nobody declared', () => {
    const [line] = written({}, (log) =>
      log.info({ token: 'abc', headers: { Authorization: 'Bearer abcdefgh' } }, 'GET https://user:open@host/ failed'),
    )
    expect(line).toMatchObject({ token: '[redacted]', headers: { Authorization: '[redacted]' } })
    expect(line!.message).not.toContain('open')
  })

  it('takes values that JSON has no form for', () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    const fields = { offset: 12n, at: new Date(0), never: new Date(NaN), bytes: Buffer.from('abc'), circular }
    const [line] = written({}, (log) => log.info(fields, 'odd'))
    expect(line).toMatchObject({
      offset: '12',
      at: '1970-01-01T00:00:00.000Z',
      never: 'Invalid Date',
      bytes: '3 bytes',
    })
    expect(line!.message).toBe('odd')
  })
})

describe('a line for people', () => {
  const pretty = (line: object) => stripVTControlCharacters(prettyLine(JSON.stringify(line)))
  const time = '2026-01-08T12:00:05.123Z'

  it('has time, level, message and fields', () => {
    expect(pretty({ level: 'warn', time, source: 'rss.events', why: 'a b', message: 'not read' })).toBe(
      '12:00:05 WARN  not read  source=rss.events why="a b"\n',
    )
    expect(pretty({ level: 'info', time, message: 'started' })).toBe('12:00:05 INFO  started\n')
  })

  it('puts the stack of an error below', () => {
    const error = { name: 'Error', message: 'broken', stack: 'Error: broken\n    at f (x.ts:1)' }
    expect(pretty({ level: 'error', time, error, message: 'stopped' })).toBe(
      '12:00:05 ERROR stopped  error="Error: broken"\n    Error: broken\n        at f (x.ts:1)\n',
    )
  })
})
