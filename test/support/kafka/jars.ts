import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname

/** The class path of Kafka from Maven Central. @throws Error saying what is missing on this machine */
export const kafkaClassPath = (): string => classPath(here, 'oxbow-kafka-4.3.1')

/**
 * The class path of what a directory's pom.xml lists, fetched once per clone, and again when the list changes.
 * @throws Error saying what is missing on this machine
 */
export function classPath(directory: string, name: string): string {
  for (const tool of ['java', 'mvn']) need(tool)
  const list = createHash('sha256')
    .update(readFileSync(join(directory, 'pom.xml')))
    .digest('hex')
    .slice(0, 8)
  const cache = join(here, '../../../node_modules/.cache', `${name}-${list}`)
  if (!existsSync(cache)) {
    const making = `${cache}.${process.pid}`
    mkdirSync(making, { recursive: true })
    execFileSync('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${making}`], {
      cwd: directory,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    try {
      renameSync(making, cache)
    } catch {
      rmSync(making, { recursive: true }) // Another process was faster.
    }
  }
  return join(cache, '*')
}

function need(tool: string): void {
  try {
    execFileSync(tool, ['-version'], { stdio: 'ignore' })
  } catch {
    throw new Error(`${tool} is not on this machine: a Kafka node needs Java 17 and Maven where there is no Docker.`)
  }
}
