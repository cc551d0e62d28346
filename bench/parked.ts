// Keys that wait behind dead letters (`order: key`): each key has a record that dies and one that is parked behind it. How
// long they take to be parked, and to go on once their letters are discarded, and in how much memory; through the real
// command line. On the embedded broker, or on Kafka where KAFKA_BOOTSTRAP_SERVERS names one.
//
//   node bench/parked.ts 100000
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const main = new URL('../src/cli/main.ts', import.meta.url).pathname
const keys = Number(process.argv[2] ?? 100_000)
const kafka = process.env['KAFKA_BOOTSTRAP_SERVERS']
const name = `parked-${Date.now()}`

const pipeline = `
name: ${name}
guarantee: exactlyOnce
sources: { ${name}.in: { topic: { format: json } } }
deadLetters: { order: key, parked: { records: ${2 * keys + 1}, size: 1GiB } }
streams:
  checked:
    from: ${name}.in
    steps: [{ filter: record.price < 1.0 }]
    to: { topic: ${name}.out }
`

const directory = mkdtempSync(join(tmpdir(), 'oxbow-parked-'))
try {
  const config = join(directory, 'parked.yaml')
  writeFileSync(config, pipeline)
  const place = kafka === undefined ? ['--data', join(directory, 'data')] : ['--kafka', kafka]
  await oxbow(['run', config, '--until-idle', '--no-http', ...place])
  await oxbow(['produce', `${name}.in`, ...place], lines('free'))
  await oxbow(['produce', `${name}.in`, ...place], lines(0.5))
  report('parked', 2 * keys, await oxbow(['run', config, '--until-idle', '--no-http', ...place]))
  await oxbow(['dlq', 'discard', config, '--all', ...place])
  report('gone on', keys, await oxbow(['run', config, '--until-idle', '--no-http', ...place]))
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function lines(price: unknown): string {
  const filler = 'x'.repeat(180)
  return Array.from({ length: keys }, (_, key) => JSON.stringify({ key: `k${key}`, value: { price, filler } })).join(
    '\n',
  )
}

function report(what: string, records: number, { seconds, memory, stdout }: Awaited<ReturnType<typeof oxbow>>): void {
  const rate = Math.round(records / seconds).toLocaleString('en')
  console.log(
    `${keys.toLocaleString('en')} keys ${what} in ${seconds.toFixed(1)} s: ${rate} records/s, ${memory} MiB at most`,
  )
  console.log(stdout)
}

/** Runs the command line to its end. @returns its seconds, start included, and its peak resident memory in MiB */
async function oxbow(args: readonly string[], input = '') {
  const started = performance.now()
  const child = spawn(process.execPath, ['--max-semi-space-size=32', main, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(input)
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text))
  let memory = 0
  const watch = setInterval(() => (memory = Math.max(memory, residentPeak(child.pid!))), 50)
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(watch)
  if (code !== 0) throw new Error(`oxbow ${args.join(' ')} ended with ${String(code)}`)
  return { seconds: (performance.now() - started) / 1_000, memory: Math.round(memory), stdout }
}

/** Linux keeps the high-water mark of resident memory; 0 elsewhere. */
function residentPeak(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024
  } catch {
    return 0 // It has ended, or this is no Linux.
  }
}
