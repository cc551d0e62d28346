// Dead letters that go back: how long `oxbow dlq redrive` takes to send them, and the pipeline to take them up, by the real
// command line. On the embedded broker, or on Kafka where KAFKA_BOOTSTRAP_SERVERS names one.
//
//   node bench/redrive.ts 100000
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { oxbow, report } from './commandLine.ts'

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
  const place = ['--data', join(directory, 'data'), ...(kafka === undefined ? [] : ['--kafka', kafka])]
  const run = ['run', config, '--until-idle', '--no-http', ...place]
  writeFileSync(config, pipeline('record.price < 1.0'))
  await oxbow(['topics', config, '--apply', ...place])
  const filler = 'x'.repeat(180)
  const lines = Array.from({ length: letters }, (_, n) => JSON.stringify({ price: 'free', n, filler }))
  await oxbow(['produce', `${name}.in`, ...place], lines.join('\n'))
  report('died', letters, await oxbow(run))
  writeFileSync(config, pipeline('record.n >= 0'))
  report('sent', letters, await oxbow(['dlq', 'redrive', config, '--all', ...place]))
  const taken = await oxbow(run)
  report('taken up', letters, taken)
  console.log(taken.stdout)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
