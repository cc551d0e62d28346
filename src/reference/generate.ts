// Writes config/schema.json and docs/reference from the specifications; with --check, says which of them are out of date.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { catalog } from '../catalog.ts'
import { page, type Spec } from './page.ts'
import { pipelinePage } from './pipelinePage.ts'
import { jsonSchema } from './schema.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = join(root, 'docs/reference')
const note = '<!-- Generated from the code by `npm run reference`; edit the specification instead. -->'

const kinds: readonly (readonly [kind: string, specs: readonly Spec[]])[] = [
  ['source', catalog.sources],
  ['operator', catalog.operators],
  ['sink', catalog.sinks],
]

function generated(): Map<string, string> {
  const files = new Map([[join(root, 'config/schema.json'), `${JSON.stringify(jsonSchema(catalog), null, 2)}\n`]])
  const index = [
    '# Reference',
    'What a config can say: [the whole of it](pipeline.md), and every component that it can name. `oxbow list NAME` shows the' +
      ' same in a terminal.',
  ]
  files.set(join(pages, 'pipeline.md'), `${note}\n\n${pipelinePage(catalog)}\n`)
  for (const [kind, specs] of kinds) {
    index.push(`## ${kind[0]!.toUpperCase()}${kind.slice(1)}s`)
    index.push(
      [
        '| name | |',
        '|---|---|',
        ...specs.map(({ name, summary }) => `| [${name}](${kind}s/${name}.md) | ${summary} |`),
      ].join('\n'),
    )
    for (const spec of specs) files.set(join(pages, `${kind}s`, `${spec.name}.md`), `${note}\n\n${page(kind, spec)}\n`)
  }
  return files.set(join(pages, 'README.md'), `${note}\n\n${index.join('\n\n')}\n`)
}

/** Pages of components that are no more. */
const leftOver = (files: ReadonlyMap<string, string>): string[] =>
  existsSync(pages)
    ? readdirSync(pages, { recursive: true, encoding: 'utf8' })
        .map((name) => join(pages, name))
        .filter((path) => path.endsWith('.md') && !files.has(path))
    : []

const files = generated()
if (process.argv.includes('--check')) {
  const stale = [...files]
    .filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
    .map(([path]) => path)
  const wrong = [...stale, ...leftOver(files)].map((path) => relative(root, path))
  if (wrong.length > 0) {
    console.error(`Out of date, run "npm run reference": ${wrong.join(', ')}`)
    process.exitCode = 1
  }
} else {
  for (const path of leftOver(files)) rmSync(path)
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  console.log(`${files.size} files written.`)
}
