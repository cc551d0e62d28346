// Builds the package to publish into dist/: JavaScript and declarations, and a package.json that points to them.
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

interface Package {
  [field: string]: unknown
  devDependencies?: unknown
  scripts?: unknown
}

rmSync('dist', { recursive: true, force: true })
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })

const {
  devDependencies: _dev,
  scripts: _scripts,
  ...published
} = JSON.parse(readFileSync('package.json', 'utf8')) as Package
const built = {
  ...published,
  exports: {
    '.': { types: './src/index.d.ts', default: './src/index.js' },
    './testing': { types: './src/testing/index.d.ts', default: './src/testing/index.js' },
  },
  engines: { node: '>=24' },
}
writeFileSync('dist/package.json', `${JSON.stringify(built, null, 2)}\n`)
const launcher = readFileSync('bin/oxbow.js', 'utf8').replace('../src/cli/main.ts', '../src/cli/main.js')
cpSync('bin', 'dist/bin', { recursive: true })
writeFileSync('dist/bin/oxbow.js', launcher, { mode: 0o755 })
cpSync('src/server/browser', 'dist/src/server/browser', { recursive: true })
cpSync('config/schema.json', 'dist/config/schema.json')
cpSync('README.md', 'dist/README.md')
console.log('Built. Publish with: npm publish ./dist')
