#!/usr/bin/env -S node --max-semi-space-size=32
// Starts the command line on a Node that can run it, this one or the one that `npm ci` installed beside us, with a young
// generation of a size that was measured: with 16 MiB a windowed count takes a sixth longer, with 64 it takes 70 MiB more.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = new URL('../src/cli/main.ts', import.meta.url)
const flag = '--max-semi-space-size=32'
const [major = 0] = process.versions.node.split('.').map(Number)

if (major >= 24 && process.execArgv.includes(flag)) {
  await import(main.href)
} else {
  const node = major >= 24 ? process.execPath : fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  const child = spawn(node, [flag, fileURLToPath(main), ...process.argv.slice(2)], {
    // The channel ends when this process dies, however it dies; then the child goes with it.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, OXBOW_LAUNCHED: '1' },
  })
  child.on('error', () => {
    console.error(
      `oxbow needs Node 24 or newer; this is ${process.version}, and none was found at ${node}. Run "npm ci".`,
    )
    process.exitCode = 1
  })
  let watch
  const end = (signal) => {
    clearInterval(watch)
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end)
  // npm and npx start this through a shell, which a signal ends without being passed on.
  const parent = process.ppid
  if (process.env.npm_command) watch = setInterval(() => process.ppid !== parent && end('SIGTERM'), 250).unref()
  child.on('exit', (code, signal) => {
    process.exit(signal ? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1) : (code ?? 1))
  })
}
