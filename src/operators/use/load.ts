import { loadUserFile } from '../../component/userFile.ts'

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
  const { path, exports } = loadUserFile(file, directory)
  const { default: each, over } = exports
  if (each !== undefined && over !== undefined) {
    throw new Error(`"${path}" exports both a default and "over"; expected one of them.`)
  }
  if (typeof over === 'function') return { kind: 'over', call: over as Callable }
  if (typeof each === 'function') {
    const isAsync = Object.prototype.toString.call(each) === '[object AsyncFunction]'
    return { kind: 'each', call: each as Callable, isAsync }
  }
  const found = each !== undefined ? `Its default export is ${typeof each}.` : `It exports ${namesOf(exports)}.`
  throw new Error(
    `"${path}" has no operator: expected "export default (value, record) => ...", or "export const over = ` +
      `(records) => ..." for an RxJS operator. ${found}`,
  )
}

const namesOf = (exports: object): string =>
  Object.keys(exports)
    .map((name) => `"${name}"`)
    .join(', ') || 'nothing'
