import { readFile } from 'node:fs/promises'
import type { Endpoint } from './router.ts'

const assets = {
  'style.css': 'text/css',
  'script.js': 'text/javascript',
  'live.js': 'text/javascript',
  'rehearse.js': 'text/javascript',
  'icon.svg': 'image/svg+xml',
} as const

/** The files that pages have the browser load, as they lie beside this one. */
export const assetEndpoints = (): readonly Endpoint[] =>
  Object.entries(assets).map(([name, type]) => ({
    method: 'GET',
    path: `/browser/${name}`,
    async answer() {
      const body = await readFile(new URL(`browser/${name}`, import.meta.url), 'utf8')
      return { status: 200, type: `${type}; charset=utf-8`, body }
    },
  }))
