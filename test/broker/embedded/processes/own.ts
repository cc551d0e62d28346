import { openEmbedded } from '../../../../src/broker/embedded/embedded.ts'

/** Owns a data directory until it is killed. */
const [, directory] = process.argv.slice(2)
await openEmbedded({ directory: directory!, owner: true })
process.stdout.write('owned\n')
setInterval(() => {}, 60_000)
