import { openEmbedded } from '../../../../src/broker/embedded/embedded.ts'

/** Appends numbered records to the topic "shared" as a second writer, a unit each. */
const [directory, name, count] = process.argv.slice(2)
const broker = await openEmbedded({ directory: directory! })
for (let n = 0; n < Number(count); n++) {
  const output = { topic: 'shared', key: null, value: Buffer.from(`${name}.${n}`), headers: [], timestamp: Date.now() }
  await broker.commit({ group: '', task: '', outputs: [output], offsets: [], state: [], counts: [] })
}
await broker.close()
