import { enableCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'

// Before anything else is loaded: compiled code, its types stripped, is kept for the next start.
enableCompileCache()

// Otherwise garbage is left until the heap is up to four times what lives, in every thread: a third of the whole process.
setFlagsFromString('--heap-growing-percent=120')
// The path of a record is many small functions: as one they take less time, and make fewer objects. V8 does it half as far.
setFlagsFromString('--max-inlined-bytecode-size=920')
setFlagsFromString('--max-inlined-bytecode-size-cumulative=1840')

// Started by bin/oxbow.js: when that is killed, nothing must stay behind that holds the data directory.
if (process.env['OXBOW_LAUNCHED'] && process.channel) {
  process.channel.unref()
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
}

const { runCommandLine } = await import('./commandLine.ts')
await runCommandLine(process.argv.slice(2))
