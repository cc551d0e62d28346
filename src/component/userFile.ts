import { existsSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { resolve } from 'node:path'

const load = createRequire(import.meta.url)

/** What a user's file may import although nothing of it is installed where the file lies: Oxbow's own. */
const shared = /^rxjs(\/|$)/

registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context)
    } catch (thrown) {
      if (!shared.test(specifier) || context.parentURL === import.meta.url) throw thrown
      return next(specifier, { ...context, parentURL: import.meta.url })
    }
  },
})

/** What a user's TypeScript or JavaScript file exports. */
export interface UserFile {
  readonly path: string
  readonly exports: { readonly [name: string]: unknown }
}

/**
 * Loads a user's TypeScript or JavaScript file.
 * @param directory what a relative path starts from
 * @throws Error that says what is wrong with the file and what would be right
 */
export function loadUserFile(file: string, directory: string): UserFile {
  const path = resolve(directory, file)
  if (!existsSync(path)) throw new Error(`There is no file "${path}".`)
  try {
    return { path, exports: load(path) as UserFile['exports'] }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_REQUIRE_ASYNC_MODULE') {
      throw new Error(`"${path}" awaits at its top level; expected that inside of its function.`, { cause })
    }
    throw new Error(`"${path}" cannot be loaded: ${message}`, { cause })
  }
}
