import { enableCompileCache } from 'node:module'

// Before anything else is loaded: compiled code, its types stripped, is kept for the next start.
enableCompileCache()

const { runCommandLine } = await import('./commandLine.ts')
await runCommandLine(process.argv.slice(2))
