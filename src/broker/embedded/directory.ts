import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { asBrokerError } from './failure.ts'

/** Makes a directory, and those above it, where they are missing. @throws BrokerError when that cannot be */
export function makeDirectory(directory: string): void {
  try {
    makeParents(resolve(directory))
  } catch (error) {
    throw asBrokerError(error, directory)
  }
}

/** Not by `recursive: true`, which never ends below some places, such as /proc (seen with Node 24.21). */
function makeParents(directory: string): void {
  if (isDirectory(directory)) return
  makeParents(dirname(directory))
  try {
    mkdirSync(directory)
  } catch (error) {
    if (!isDirectory(directory)) throw error // Otherwise another process was faster.
  }
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
