#!/usr/bin/env node
// Starts the command line on a Node that can run it: this one, or the one that `npm ci` installed beside us.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = new URL('../src/cli/main.ts', import.meta.url)
const [major = 0] = process.versions.node.split('.').map(Number)

if (major >= 24) {
  await import(main.href)
} else {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' })
  child.on('error', () => {
    console.error(`oxbow needs Node 24 or newer; this is ${process.version}, and none was found at ${node}. Run "npm ci".`)
    process.exitCode = 1
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal) process.exitCode = 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1)
    else process.exitCode = code ?? 1
  })
}
