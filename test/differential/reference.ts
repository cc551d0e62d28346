import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kafkaClassPath } from '../support/kafka/jars.ts'

/** A topology of Kafka Streams and what it is fed: see Reference.java. */
export interface Case {
  readonly topology: string
  readonly settings: { readonly [name: string]: unknown }
  readonly records: readonly {
    readonly topic?: string
    readonly key: string | null
    readonly value: string | null
    readonly timestamp: number
  }[]
}

/** What came of one record. */
export interface Answer<Output> {
  readonly outputs: readonly Output[]
  /** How often Kafka Streams counted it, or one of its windows, as dropped. */
  readonly dropped: number
}

/** Kafka Streams' answers to cases, a list for each with an answer for each record. One JVM runs them all. */
export function answersOf<Output>(cases: readonly Case[]): readonly (readonly Answer<Output>[])[] {
  const lines = execFileSync('java', ['-Xmx1g', '-cp', `${kafkaClassPath()}:${compiled()}`, 'Reference'], {
    input: cases.map((asked) => JSON.stringify(asked)).join('\n'),
    maxBuffer: 1_073_741_824,
    stdio: 'pipe',
  })
  return lines
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as readonly Answer<Output>[])
}

/** Why there are no answers on this machine; undefined where there are. Under CI there must be. */
export function missingReference(): string | undefined {
  try {
    kafkaClassPath()
    return undefined
  } catch (thrown) {
    if (process.env['CI']) throw thrown
    return (thrown as Error).message
  }
}

const here = import.meta.dirname

function compiled(): string {
  const sources = readdirSync(here).filter((name) => name.endsWith('.java'))
  const files = sources.map((name) => join(here, name))
  const version = createHash('sha256')
  for (const file of files) version.update(readFileSync(file))
  const classes = join(here, '../../node_modules/.cache/oxbow-differential', version.digest('hex').slice(0, 12))
  if (existsSync(join(classes, 'Reference.class'))) return classes
  mkdirSync(classes, { recursive: true })
  execFileSync('javac', ['-d', classes, '-cp', kafkaClassPath(), ...files])
  return classes
}
