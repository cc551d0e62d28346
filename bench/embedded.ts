// The workload of the design's budgets on the embedded broker: events from a file, 5 % of them poison, through the real
// command line. Prints records per second, resident memory, and what an outside count of the topics says.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isPoison, writeEvents } from './events.ts'

const main = new URL('../src/cli/main.ts', import.meta.url).pathname
const pipeline = new URL('./pipeline.yaml', import.meta.url).pathname
const counts = process.argv.slice(2).map(Number)

for (const count of counts.length > 0 ? counts : [100_000, 1_000_000]) console.log(await measure(count))

async function measure(count: number): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-bench-'))
  try {
    const events = join(directory, 'events.jsonl')
    const data = join(directory, 'data')
    await writeEvents(events, count)
    const started = performance.now()
    const memory = await run(['run', pipeline, '--until-idle', '--no-http', '--data', data], { EVENTS: events })
    const seconds = (performance.now() - started) / 1_000
    const clean = await readIds('bench.clean', data)
    const dead = await readIds('dlq.bench.prices', data)
    const right = clean.every((id) => !isPoison(id)) && dead.every(isPoison)
    const whole = right && new Set([...clean, ...dead]).size === count && clean.length + dead.length === count
    return [
      `${count.toLocaleString('en')} events in ${seconds.toFixed(1)} s: ${Math.round(count / seconds).toLocaleString('en')} records/s,`,
      `${memory} MiB resident at most, ${clean.length} clean + ${dead.length} dead: ${whole ? 'none lost, none doubled' : 'WRONG'}`,
    ].join(' ')
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Runs the command line to its end. @returns its peak resident memory in MiB */
async function run(args: string[], environment: { [name: string]: string }): Promise<number> {
  const child = spawn(process.execPath, ['--max-semi-space-size=32', main, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  let peak = 0
  const watch = setInterval(() => (peak = Math.max(peak, residentPeak(child.pid!))), 100)
  const code = await new Promise((resolve) => child.on('exit', resolve))
  clearInterval(watch)
  if (code !== 0) throw new Error(`oxbow ${args.join(' ')} ended with ${String(code)}`)
  return Math.round(peak)
}

/** Linux keeps the high-water mark of resident memory; 0 elsewhere. */
function residentPeak(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024
  } catch {
    return 0 // It has ended, or this is no Linux.
  }
}

async function readIds(topic: string, data: string): Promise<number[]> {
  const child = spawn(process.execPath, ['--max-semi-space-size=32', main, 'read', topic, '--json', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ids: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    ids.push((JSON.parse(line) as { value: { id: number } }).value.id)
  }
  return ids
}
