import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makeDirectory, runOxbow } from './oxbow.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const commands = ['new', 'check', 'test', 'run', 'describe', 'topics', 'produce', 'read', 'dlq', 'list', 'completion']

test('--help names every command, and exits with 0', async () => {
  const { code, stdout, stderr } = await runOxbow(makeDirectory(), ['--help'])
  expect([code, stderr]).toEqual([0, ''])
  for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
})

test.each([...commands.map((name) => [name]), ['dlq', 'ls'], ['dlq', 'show']])(
  '%s … --help has examples',
  async (...words) => {
    const { code, stdout, stderr } = await runOxbow(makeDirectory(), [...words, '--help'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`Usage: oxbow ${words.join(' ')}`)
    expect(stdout.split('Examples:')[1]).toContain(`oxbow ${words.join(' ')}`)
  },
)

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(`${repository}/package.json`, 'utf8')) as { version: string }
  expect((await runOxbow(makeDirectory(), ['--version'])).stdout).toBe(`${version}\n`)
})

test.each([
  [['rnu'], "oxbow: unknown command 'rnu'\n(Did you mean run?)"],
  [['dlq', 'shwo'], "oxbow: unknown command 'shwo'\n(Did you mean show?)"],
  [['read', 'a', '--jsno'], "oxbow: unknown option '--jsno'\n(Did you mean --json?)"],
  [['run'], "oxbow: missing required argument 'file'"],
  [['run', 'a.yaml', '--port', 'x'], 'expected a port'],
  [['dlq', 'ls', '--data', ''], 'expected a directory'],
  [['read', 'a', '--from', '-1'], 'expected an offset'],
  [['read', 'a', '--kafka', 'localhost'], 'expected host:port, or several of them with commas between'],
  [['dlq', 'ls', '--kafka', 'a:1,,b:2'], 'expected host:port, or several of them with commas between'],
  [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish'],
])('%j is wrong usage', async (words, message) => {
  const { code, stdout, stderr } = await runOxbow(makeDirectory(), words)
  expect(stderr).toContain(message)
  expect([code, stdout]).toEqual([2, ''])
})

test('without a command it shows the help on stderr, and exits with 2', async () => {
  const { code, stdout, stderr } = await runOxbow(makeDirectory(), [])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain('Usage: oxbow')
})

test('npx oxbow works in a clone', async () => {
  const { stdout } = await promisify(execFile)('npx', ['--no-install', 'oxbow', '--help'], { cwd: repository })
  expect(stdout).toContain('Usage: oxbow')
})
