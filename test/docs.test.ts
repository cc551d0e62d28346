import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalog } from '../src/catalog.ts'
import { inspect } from '../src/cli/plans.ts'
import { runTests } from '../src/testing/runTests.ts'

/** A fenced block of a page: ```language file. The file is where the page's other examples look for it. */
interface Block {
  readonly language: string
  readonly file: string | undefined
  readonly text: string
  /** Of its fence, from 1 on. */
  readonly line: number
}

const root = fileURLToPath(new URL('..', import.meta.url))
const guide = readdirSync(join(root, 'docs/guide')).map((name) => `docs/guide/${name}`)
const pages = ['README.md', ...guide].map((page) => ({ page, text: readFileSync(join(root, page), 'utf8') }))

const blocksOf = (text: string): readonly Block[] =>
  [...text.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(([, language, file, body], at, { [at]: match }) => ({
    language: language!,
    file,
    text: body!,
    line: text.slice(0, match!.index).split('\n').length,
  }))

const isPipeline = ({ language, text }: Block): boolean =>
  language === 'yaml' && /^name:/m.test(text) && /^sources:/m.test(text)

describe.each(pages)('$page', ({ page, text }) => {
  const blocks = blocksOf(text)
  const pipelines = blocks.filter(isPipeline)
  const sessions = blocks.filter(({ language }) => language === 'console')
  const programs = blocks.filter(({ file }) => file?.endsWith('.test.ts'))
  const fileOf = ({ file, line }: Block): string => join(directory, file ?? `line-${line}.yaml`)
  let directory: string

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'oxbow-docs-'))
    for (const block of blocks) {
      if (block.file === undefined && !isPipeline(block)) continue
      mkdirSync(dirname(fileOf(block)), { recursive: true })
      writeFileSync(fileOf(block), block.text)
    }
    // What a project has that installed Oxbow.
    mkdirSync(join(directory, 'node_modules/.bin'), { recursive: true })
    symlinkSync(root, join(directory, 'node_modules/oxbow'))
    symlinkSync(join(root, 'node_modules/rxjs'), join(directory, 'node_modules/rxjs'))
    // With the flag of the binary's first line, so that it needs no second process.
    const command = `"${process.execPath}" --max-semi-space-size=32 "${join(root, 'bin/oxbow.js')}"`
    writeFileSync(join(directory, 'node_modules/.bin/oxbow'), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 })
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it.each(pipelines)('has a pipeline at line $line that passes its check and its tests', async (block) => {
    const [inspection] = await inspect([fileOf(block)])
    expect(inspection!.problems).toEqual([])
    const results = await runTests(inspection!.planned!.file, catalog)
    expect(results.filter(({ failure }) => failure)).toEqual([])
    expect(results.length > 0).toBe(/^tests:/m.test(block.text))
  })

  it.each(programs)('has tests in $file that pass', { timeout: 60_000 }, (program) => {
    const options = { cwd: directory, encoding: 'utf8' } as const
    const { status, stdout } = spawnSync(process.execPath, ['--test', fileOf(program)], options)
    expect(status, stdout).toBe(0)
  })

  // Each goes on where the one before it ended.
  it.each(sessions.length > 0 ? [{ sessions }] : [])('has sessions that go as shown', { timeout: 120_000 }, () => {
    for (const session of sessions) {
      const { script, output } = readSession(session.text)
      const path = `${join(directory, 'node_modules/.bin')}${delimiter}${process.env.PATH}`
      const options = { cwd: directory, encoding: 'utf8', env: { ...process.env, PATH: path, NO_COLOR: '1' } } as const
      const { stdout } = spawnSync('sh', ['-c', `exec 2>&1\n${script}`], options)
      const found = stable(stdout.replaceAll(/^\{"level":.*\n/gm, ''))
      const expected = stable(output)
      const isAsShown = new RegExp(`^${asPattern(expected)}$`).test(found)
      // Compared as texts where they differ, for a diff that can be read.
      expect.soft(isAsShown ? expected : found, `${basename(page)}:${session.line}`).toBe(expected)
    }
  })

  it('has links that lead somewhere', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!)
    expect(links.filter((link) => !existsSync(resolve(root, dirname(page), link)))).toEqual([])
  })
})

it('finds the examples', () => {
  const all = pages.flatMap(({ text }) => blocksOf(text))
  expect(all.filter(isPipeline).length).toBeGreaterThanOrEqual(8)
  expect(all.filter(({ language }) => language === 'console').length).toBeGreaterThanOrEqual(8)
  const fences = pages.flatMap(({ text }) => text.match(/^```/gm) ?? [])
  expect(fences).toHaveLength(all.length * 2)
})

/** Lines behind `$ `, and behind `> ` those that continue them, are typed; the others are what is printed. */
function readSession(text: string): { readonly script: string; readonly output: string } {
  const lines = text.split('\n')
  const typed = lines.filter((line) => /^[$>] /.test(line)).map((line) => line.slice(2))
  return { script: typed.join('\n'), output: lines.filter((line) => !/^[$>] /.test(line)).join('\n') }
}

/** Without what differs from run to run: times, durations, revisions of configs. */
const stable = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/\b1\d{12}\b/g, '<ms>')
    .replaceAll(/\b[0-9a-f]{12}\b/g, '<revision>')

/** Text as a pattern, in which `…` stands for anything on its line, and alone on a line for any lines. */
const asPattern = (text: string): string =>
  text
    .split(/(…)/)
    .map((part, at, { [at - 1]: before, [at + 1]: after }) => {
      if (part !== '…') return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      return before!.endsWith('\n') && after!.startsWith('\n') ? '[^]*' : '.*'
    })
    .join('')
