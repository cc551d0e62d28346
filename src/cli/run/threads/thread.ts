import { enableCompileCache } from 'node:module'

// As in main.ts: it is for one thread at a time.
enableCompileCache()

await import('./work.ts')
