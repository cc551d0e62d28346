import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Json } from '../../src/component/context.ts'
import type { OpenSink } from '../../src/component/sink.ts'
import { file } from '../../src/sinks/file.ts'
import { recordedLog } from '../sources/connect.ts'
import { openSink, receiptText, write } from './write.ts'

let directory: string
let log = recordedLog()
const opened: OpenSink[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-sink-'))
  log = recordedLog()
})
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close()
  await rm(directory, { recursive: true })
})

async function open(position?: Json, path = 'out.jsonl'): Promise<OpenSink> {
  const sink = await openSink(file, { path }, { directory, log, ...(position !== undefined && { position }) })
  opened.push(sink)
  return sink
}
const content = (path = 'out.jsonl') => readFile(join(directory, path), 'utf8')

it('writes each value as a line of JSON', async () => {
  const sink = await open()
  const values = [{ a: 1 }, 'text\nof two lines', null, 7, Buffer.from('{"as": "it is"}')]
  expect((await write(sink, values)).map(receiptText)).toEqual(Array<string>(5).fill('written'))
  expect(await content()).toBe('{"a":1}\n"text\\nof two lines"\nnull\n7\n{"as": "it is"}\n')
})

it('stands where its last write ended', async () => {
  const sink = await open()
  expect(sink.position?.()).toBe(0)
  await write(sink, [{ é: 1 }])
  expect(sink.position?.()).toBe((await stat(join(directory, 'out.jsonl'))).size)
})

it('takes back what was not committed before a crash', async () => {
  const first = await open()
  await write(first, [1, 2])
  const committed = first.position?.()
  await write(first, [3])
  await appendFile(join(directory, 'out.jsonl'), '{"half a li')

  const second = await open(committed)
  await write(second, [3, 4])
  expect(await content()).toBe('1\n2\n3\n4\n')
})

it('writes after what was in the file before it', async () => {
  await writeFile(join(directory, 'out.jsonl'), '0\n')
  await write(await open(), [1])
  expect(await content()).toBe('0\n1\n')
})

it('says that the file was shortened, and goes on at its end', async () => {
  await writeFile(join(directory, 'out.jsonl'), '0\n')
  await write(await open(1_000), [1])
  expect(await content()).toBe('0\n1\n')
  expect(log.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('shorter') as string }])
})

it('fails a value that is no line, or that JSON cannot hold, and writes the others', async () => {
  const sink = await open()
  const receipts = await write(sink, [1, Buffer.from('two\nlines'), { big: 1n }, 2])
  expect(receipts.map(receiptText)).toEqual([
    'written',
    'line.broken deadLetter',
    'operator.threw deadLetter',
    'written',
  ])
  expect(await content()).toBe('1\n2\n')
})

it('fails all when the disk does not take them, so that they are tried again', async () => {
  const sink = await open()
  await sink.close()
  opened.length = 0
  expect((await write(sink, [1, Buffer.from('\n')])).map(receiptText)).toEqual([
    'sink.unavailable retry',
    'line.broken deadLetter',
  ])
  expect(sink.position?.()).toBe(0)
})

it('creates the directories above the file', async () => {
  await write(await open(undefined, 'a/b/out.jsonl'), [1])
  expect(await content('a/b/out.jsonl')).toBe('1\n')
})

it('says why a file cannot be written', async () => {
  await mkdir(join(directory, 'out.jsonl'))
  await expect(open()).rejects.toThrow(`Cannot write to "${join(directory, 'out.jsonl')}"`)
})
