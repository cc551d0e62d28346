import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../src/component/context.ts'
import type { Connector } from '../../src/component/source.ts'
import { file } from '../../src/sources/file.ts'
import { connect, drain, faultCode, keyText, recordedLog, text } from './connect.ts'

let directory: string
let log = recordedLog()
const opened: Connector[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-source-'))
  log = recordedLog()
})
afterEach(async () => {
  for (const connector of opened.splice(0)) await connector.close?.()
  await rm(directory, { recursive: true })
})

const write = (name: string, content: string | Buffer) => writeFile(join(directory, name), content)
const append = (name: string, content: string) => appendFile(join(directory, name), content)

async function open(config: Parameters<typeof file.config.parse>[0] & object): Promise<Connector> {
  const connector = await connect(file, { path: 'in.jsonl', ...config }, { directory, log })
  opened.push(connector)
  return connector
}

const read = async (config: object = {}, from?: Json) => drain(await open(config), from)

describe('JSON lines', () => {
  it('gives each line as it stands, without blank ones, and then ends', async () => {
    await write('in.jsonl', '{"a": 1}\n\n  \t\nnot json\n{"a":2}\n')
    const { records, wait } = await read()
    expect(records.map(text)).toEqual(['{"a": 1}', 'not json', '{"a":2}'])
    expect(wait).toBe('ended')
  })

  it('counts a last line without its newline', async () => {
    await write('in.jsonl', '1\n2')
    expect((await read()).records.map(text)).toEqual(['1', '2'])
  })

  it('leaves out the byte order mark and carriage returns', async () => {
    await write('in.jsonl', '\uFEFF{"a":1}\r\n\r\n{"a":2}\r\n')
    expect((await read()).records.map(text)).toEqual(['{"a":1}', '{"a":2}'])
  })

  it('reads lines across the edges of what is read at once', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => JSON.stringify({ i, pad: 'é'.repeat(i % 90) }))
    await write('in.jsonl', lines.join('\n'))
    expect((await read()).records.map(text)).toEqual(lines)
  })

  it('takes a key from the value, and none where there is none', async () => {
    await write('in.jsonl', '{"a":{"id":"x"}}\n{"a":{"id":7}}\n{"a":1}\nbroken\n{"a":{"id":null}}\n')
    const { records } = await read({ key: 'a.id' })
    expect(records.map(keyText)).toEqual(['x', '7', undefined, undefined, undefined])
    expect(records.map(faultCode)).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  it.each([100, 3_000_000])(
    'keeps the beginning of a line of %d B that is too long, and goes on after it',
    async (length) => {
      await write('in.jsonl', `1\n${'x'.repeat(length)}\n2\n`)
      const { records } = await read({ maxLine: '64B' })
      expect(records.map(faultCode)).toEqual([undefined, 'line.too_long', undefined])
      expect(records.map(text)).toEqual(['1', 'x'.repeat(64), '2'])
    },
  )

  it('goes on inside a line that is too long after a restart', async () => {
    await write('in.jsonl', `${'x'.repeat(2_000_000)}\n2\n`)
    const connector = await open({ maxLine: '64B' })
    const first = await connector.poll(undefined, new AbortController().signal)
    expect(first.records.map(faultCode)).toEqual(['line.too_long'])
    expect((await read({ maxLine: '64B' }, first.cursor)).records.map(text)).toEqual(['2'])
  })

  it('gives lines of text when they are to be text', async () => {
    await write('app.log', 'started\nstopped\n')
    const config = { path: 'app.log', format: 'text' } as const
    expect((await read(config)).records.map(text)).toEqual(['started', 'stopped'])
    expect(file.format(file.config.parse(config))).toBe('text')
  })
})

describe('the cursor', () => {
  it('goes on where a reader that was killed had committed', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i}`)
    await write('in.jsonl', lines.join('\n'))
    const seen: (string | undefined)[] = []
    let cursor: Json | undefined
    for (let ended = false; !ended;) {
      const connector = await open({})
      const polled = await connector.poll(cursor, new AbortController().signal)
      await connector.poll(polled.cursor, new AbortController().signal)
      seen.push(...polled.records.map(text))
      cursor = polled.cursor ?? cursor
      ended = polled.wait === 'ended'
    }
    expect(seen).toEqual(lines)
  })

  it('gives the same records again when they could not be committed', async () => {
    await write('in.jsonl', '1\n2\n')
    const connector = await open({})
    const { signal } = new AbortController()
    const first = await connector.poll(undefined, signal)
    expect((await connector.poll(undefined, signal)).records.map(text)).toEqual(first.records.map(text))
  })

  it('reads on when the file has grown since', async () => {
    await write('in.jsonl', '1\n')
    const { cursor } = await read()
    await append('in.jsonl', '2\n')
    expect((await read({}, cursor)).records.map(text)).toEqual(['2'])
    expect(log.lines).toEqual([])
  })

  it('notices another file of the same name and length', async () => {
    await write('in.jsonl', '1\n2\n')
    const { cursor } = await read()
    await write('in.jsonl', '3\n4\n')
    expect((await read({}, cursor)).records.map(text)).toEqual(['3', '4'])
    expect(log.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('replaced') as string }])
  })
})

describe('following', () => {
  it('waits for the newline of the last line, and for more', async () => {
    await write('in.jsonl', '1\n{"half":')
    const connector = await open({ follow: true })
    const first = await drain(connector)
    expect(first.records.map(text)).toEqual(['1'])
    expect(first.wait).toBeTypeOf('number')

    await append('in.jsonl', 'true}\n3')
    const second = await drain(connector, first.cursor)
    expect(second.records.map(text)).toEqual(['{"half":true}'])
  })

  it('moves nothing while there is nothing new', async () => {
    await write('in.jsonl', '1\n')
    const connector = await open({ follow: true })
    const { cursor } = await drain(connector)
    const { records, cursor: moved } = await connector.poll(cursor, new AbortController().signal)
    expect([records, moved]).toEqual([[], undefined])
  })

  it('reads a truncated file again, with a warning', async () => {
    await write('in.jsonl', '1\n2\n3\n')
    const connector = await open({ follow: true })
    const { cursor } = await drain(connector)
    await truncate(join(directory, 'in.jsonl'))
    await append('in.jsonl', '4\n')
    expect((await drain(connector, cursor)).records.map(text)).toEqual(['4'])
    expect(log.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('truncated') as string }])
  })

  it('finishes a rotated file before it reads the one in its place', async () => {
    await write('in.jsonl', '1\n')
    const connector = await open({ follow: true })
    const { cursor } = await drain(connector)
    await append('in.jsonl', '2\nlast words')
    await rename(join(directory, 'in.jsonl'), join(directory, 'in.jsonl.1'))
    const second = await drain(connector, cursor)
    expect(second.records.map(text)).toEqual(['2'])
    await write('in.jsonl', '1\n2\n3\n')
    const third = await drain(connector, second.cursor)
    expect(third.records.map(text)).toEqual(['last words', '1', '2', '3'])
    expect((await drain(connector, third.cursor)).records).toEqual([])
    expect(log.lines.map(({ level }) => level)).toContain('warn')
  })

  it('waits for a file that is not there yet', async () => {
    const connector = await open({ follow: true })
    await expect(drain(connector)).rejects.toThrow('There is no file')
    await write('in.jsonl', '1\n')
    expect((await drain(connector)).records.map(text)).toEqual(['1'])
  })
})

describe('CSV', () => {
  const rows = async (content: string | Buffer, config: object = {}, from?: Json) => {
    await write('in.csv', content)
    return read({ path: 'in.csv', ...config }, from)
  }

  it('gives each row as a JSON object of strings', async () => {
    const { records, wait } = await rows('\uFEFFid,note\r\n1,"a, b"\r\n\r\n2,"say ""hi""\nthere"\r\n', { key: 'id' })
    expect(records.map((record) => JSON.parse(text(record)!) as unknown)).toEqual([
      { id: '1', note: 'a, b' },
      { id: '2', note: 'say "hi"\nthere' },
    ])
    expect(records.map(keyText)).toEqual(['1', '2'])
    expect(wait).toBe('ended')
    expect(file.format(file.config.parse({ path: 'in.csv' }))).toBe('json')
  })

  it('takes names and delimiter from the config', async () => {
    const { records } = await rows('1;x\n2;y', { columns: ['a', 'b'], delimiter: ';' })
    expect(records.map(text)).toEqual(['{"a":"1","b":"x"}', '{"a":"2","b":"y"}'])
  })

  it('keeps a row with the wrong number of columns, raw', async () => {
    const { records } = await rows('a,b\n1,2\n3\n4,5,"6\n7"\n8,9\n')
    expect(records.map(faultCode)).toEqual([undefined, 'row.bad_columns', 'row.bad_columns', undefined])
    expect(records.map(text)).toEqual(['{"a":"1","b":"2"}', '3', '4,5,"6\n7"', '{"a":"8","b":"9"}'])
  })

  it('keeps the line whose quotes do not match, and reads on after it', async () => {
    const { records } = await rows('a,b\n1,"x"y\n2,3\n"never closed,4\n5,6\n7,8')
    expect(records.map(faultCode)).toEqual(['row.unreadable', undefined, 'row.unreadable', undefined, undefined])
    expect(records.map(text)).toEqual([
      '1,"x"y',
      '{"a":"2","b":"3"}',
      '"never closed,4',
      '{"a":"5","b":"6"}',
      '{"a":"7","b":"8"}',
    ])
  })

  it('looks for a closing quote no further than maxLine', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i},some text that makes the row longer`)
    const { records } = await rows(`a,b\n"open,1\n${lines.join('\n')}\n`, { maxLine: '4KiB' })
    expect(faultCode(records[0]!)).toBe('row.unreadable')
    expect(records).toHaveLength(lines.length + 1)
  })

  it('keeps a row that is not UTF-8, and the beginning of one that is too long', async () => {
    const latin1 = Buffer.from('caf\xe9,1\n', 'latin1')
    const { records } = await rows(
      Buffer.concat([Buffer.from('a,b\n'), latin1, Buffer.from(`${'x'.repeat(99)},2\n3,4`)]),
      {
        maxLine: '64B',
      },
    )
    expect(records.map(faultCode)).toEqual(['row.unreadable', 'line.too_long', undefined])
    expect(records[0]!.value).toEqual(latin1.subarray(0, -1))
  })

  it('keeps the names of the columns over a restart', async () => {
    const lines = Array.from({ length: 12_000 }, (_, i) => `${i},"line\n${i}"`)
    await write('in.csv', `id,text\n${lines.join('\n')}\n`)
    const first = await (await open({ path: 'in.csv' })).poll(undefined, new AbortController().signal)
    const { records } = await read({ path: 'in.csv' }, first.cursor)
    expect(text([...first.records, ...records].at(-1)!)).toBe('{"id":"11999","text":"line\\n11999"}')
    expect(first.records.length + records.length).toBe(12_000)
    expect(first.records.length).toBeLessThan(12_000)
  })

  it('waits for the rest of a row when it follows the file', async () => {
    await write('in.csv', 'a,b\n1,"two\nlines')
    const connector = await open({ path: 'in.csv', follow: true })
    const first = await drain(connector)
    expect(first.records).toEqual([])
    await append('in.csv', ' and a third"\n')
    expect((await drain(connector, first.cursor)).records.map(text)).toEqual([
      '{"a":"1","b":"two\\nlines and a third"}',
    ])
  })

  it('says that a column is named twice', async () => {
    await expect(rows('a,b,a\n1,2,3\n')).rejects.toThrow('names the column "a" twice')
  })
})

describe('what is no such file', () => {
  it('says that there is none', async () => {
    await expect(open({})).rejects.toThrow(`There is no file "${join(directory, 'in.jsonl')}".`)
  })

  it('says that it is a directory', async () => {
    await expect(open({ path: '.' })).rejects.toThrow('is a directory')
  })

  it('says that it is UTF-16', async () => {
    await write('in.jsonl', Buffer.from('\uFEFF{"a":1}', 'utf16le'))
    await expect(read()).rejects.toThrow('is UTF-16; write it as UTF-8')
  })

  it.each([
    [{ path: 'x.jsonl', delimiter: ';' }, 'are for CSV'],
    [{ path: 'x.txt', format: 'text', key: 'a' }, 'no fields'],
  ])('refuses %j', (config, message) => {
    expect(file.config.safeParse(config).error?.message).toContain(message)
  })
})

it('reads a copy put in the place of the file from its start', async () => {
  await write('in.jsonl', '1\n2\n')
  const { cursor } = await read({ follow: true })
  await copyFile(join(directory, 'in.jsonl'), join(directory, 'copy'))
  await append('copy', '3\n')
  await rename(join(directory, 'copy'), join(directory, 'in.jsonl'))
  expect((await read({ follow: true }, cursor)).records.map(text)).toEqual(['1', '2', '3'])
})
