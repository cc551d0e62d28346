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

type Callable = (...args: never[]) => unknown

/** A user's file: either a function of one record, or one of the whole stream. */
export type UserModule =
  | { readonly kind: 'each'; readonly call: Callable; readonly isAsync: boolean }
  | { readonly kind: 'over'; readonly call: Callable }

/**
 * Loads a user's TypeScript or JavaScript file.
 * @param directory what a relative path starts from
 * @throws Error that says what is wrong with the file and what would be right
 */
export function loadModule(file: string, directory: string): UserModule {
  const path = resolve(directory, file)
  if (!existsSync(path)) throw new Error(`There is no file "${path}".`)
  const { default: each, over } = required(path)
  if (each !== undefined && over !== undefined) {
    throw new Error(`"${path}" exports both a default and "over"; expected one of them.`)
  }
  if (typeof over === 'function') return { kind: 'over', call: over as Callable }
  if (typeof each === 'function') {
    const isAsync = Object.prototype.toString.call(each) === '[object AsyncFunction]'
    return { kind: 'each', call: each as Callable, isAsync }
  }
  const found = each !== undefined ? `Its default export is ${typeof each}.` : `It exports ${namesOf(required(path))}.`
  throw new Error(
    `"${path}" has no operator: expected "export default (value, record) => ...", or "export const over = ` +
      `(records) => ..." for an RxJS operator. ${found}`,
  )
}

const namesOf = (exports: object): string =>
  Object.keys(exports)
    .map((name) => `"${name}"`)
    .join(', ') || 'nothing'

function required(path: string): { readonly default?: unknown; readonly over?: unknown } {
  try {
    return load(path) as { readonly default?: unknown }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_REQUIRE_ASYNC_MODULE') {
      throw new Error(`"${path}" awaits at its top level; expected that inside of its function.`, { cause })
    }
    throw new Error(`"${path}" cannot be loaded: ${message}`, { cause })
  }
}
