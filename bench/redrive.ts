// Dead letters that go back: how long `oxbow dlq redrive` takes to send them, and the pipeline to take them up, by the real
// command line. On the embedded broker, or on Kafka where KAFKA_BOOTSTRAP_SERVERS names one.
//
//   node bench/redrive.ts 100000
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const main = new URL('../src/cli/main.ts', import.meta.url).pathname
const letters = Number(process.argv[2] ?? 100_000)
const kafka = process.env['KAFKA_BOOTSTRAP_SERVERS']
const name = `redrive-${Date.now()}`

const pipeline = (condition: string) => `
name: ${name}
sources: { ${name}.in: { topic: { format: json } } }
streams:
  checked:
    from: ${name}.in
    steps: [{ filter: '${condition}' }]
    to: { topic: ${name}.out }
`

const directory = mkdtempSync(join(tmpdir(), 'oxbow-redrive-'))
try {
  const config = join(directory, 'redrive.yaml')
  const place = kafka === undefined ? ['--data', join(directory, 'data')] : ['--kafka', kafka]
  const run = ['run', config, '--until-idle', '--no-http', ...place]
  writeFileSync(config, pipeline('record.price < 1.0'))
  const filler = 'x'.repeat(180)
  const lines = Array.from({ length: letters }, (_, n) => JSON.stringify({ price: 'free', n, filler }))
  await oxbow(['produce', `${name}.in`, ...place], lines.join('\n'))
  report('died', await oxbow(run))
  writeFileSync(config, pipeline('record.n >= 0'))
  report('sent', await oxbow(['dlq', 'redrive', config, '--all', ...place]))
  report('taken up', await oxbow(run))
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function report(what: string, { seconds, stdout }: Awaited<ReturnType<typeof oxbow>>): void {
  const rate = Math.round(letters / seconds).toLocaleString('en')
  console.log(`${letters.toLocaleString('en')} letters ${what} in ${seconds.toFixed(1)} s: ${rate} a second`)
  console.log(stdout)
}

/** Runs the command line to its end. @returns its seconds, start included */
async function oxbow(args: readonly string[], input = '') {
  const started = performance.now()
  const child = spawn(process.execPath, ['--max-semi-space-size=16', main, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(input)
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text))
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`oxbow ${args.join(' ')} ended with ${String(code)}`)
  return { seconds: (performance.now() - started) / 1_000, stdout }
}
