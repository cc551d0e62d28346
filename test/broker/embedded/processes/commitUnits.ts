import { openEmbedded } from '../../../../src/broker/embedded/embedded.ts'
import { makeUnit } from '../units.ts'

/** Commits unit after unit, going on from the last one found, and prints the number of each that is durable. */
const [directory] = process.argv.slice(2)
const broker = await openEmbedded({ directory: directory!, owner: true })
await broker.ensureTopics([{ name: 'out', partitions: 4 }])
const last = (await broker.state('units', '0')).get('units', 'last')
for (let n = Number(last ?? 0) + 1; ; n++) {
  await broker.commit(makeUnit(n))
  process.stdout.write(`${n}\n`)
}
