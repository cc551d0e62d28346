import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kafkaClassPath } from '../../test/support/kafka/jars.ts'
import type { Job } from './job.ts'

const here = import.meta.dirname
const root = join(here, '../..')
const young = '--max-semi-space-size=32'

/** A system under measurement. */
export interface Peer {
  readonly threads: readonly number[]
  /** Starts it; it works until it is told to stop. */
  start(job: Job): ChildProcess
}

export const peers: { readonly [name: string]: Peer } = {
  'Kafka Streams': { threads: [1, 2], start: (job) => startStreams(job, {}) },
  'Kafka Streams (larger batches)': {
    threads: [1, 2],
    start: (job) => startStreams(job, { 'producer.batch.size': '262144', 'max.poll.records': '4000' }),
  },
  'raw client': {
    threads: [1],
    start: (job) => startNode([join(here, 'rawLoop.ts')], { JOB: JSON.stringify(job) }),
  },
  Oxbow: { threads: [1, 2], start: (job) => startOxbow(job, join(here, 'pipeline.yaml')) },
}

/** Runs a pipeline file by the command line. */
export function startOxbow(job: Job, pipeline: string): ChildProcess {
  const { kafka, group, guarantee, threads, output, dead, directory, journal } = job
  const data = directory === undefined ? [] : ['--data', directory]
  return startNode(
    [join(root, 'bin/oxbow.js'), 'run', pipeline, '--no-http', '--threads', String(threads), ...data],
    { KAFKA: kafka, GROUP: group, GUARANTEE: guarantee, OUTPUT: output, DEAD: dead },
    journal,
  )
}

const startNode = (
  args: readonly string[],
  environment: { readonly [name: string]: string },
  journal: number | 'inherit' = 'inherit',
): ChildProcess =>
  spawnPeer(process.execPath, [young, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', journal],
  })

/** As a container of one core has it: the peer alone is bound to that core, the broker is not. */
const core = process.env['OXBOW_CORE']

const spawnPeer = (command: string, args: readonly string[], options: SpawnOptions): ChildProcess =>
  core === undefined ? spawn(command, args, options) : spawn('taskset', ['-c', core, command, ...args], options)

/** Its defaults, but for what the job says, a heap that suits the machine, and the settings given. */
export function startStreams(
  job: Job,
  settings: { readonly [name: string]: string },
  program: 'PriceStream' | 'CountStream' = 'PriceStream',
): ChildProcess {
  const { directory = join(root, 'node_modules/.cache/oxbow-bench', job.group), journal = 'ignore' } = job
  mkdirSync(directory, { recursive: true })
  const properties = {
    'application.id': job.group,
    'bootstrap.servers': job.kafka,
    'processing.guarantee': job.guarantee === 'exactlyOnce' ? 'exactly_once_v2' : 'at_least_once',
    'num.stream.threads': String(job.threads),
    'state.dir': directory,
    'auto.offset.reset': 'earliest',
    'producer.acks': 'all',
    'errors.dead.letter.queue.topic.name': job.dead,
    'processing.exception.handler': 'org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler',
    ...settings,
  }
  const file = join(directory, 'streams.properties')
  writeFileSync(
    file,
    Object.entries(properties)
      .map((entry) => entry.join('='))
      .join('\n'),
  )
  const args = ['-Xmx1g', '-cp', streamsClassPath(), program, file, job.input, job.output]
  return spawnPeer('java', args, { stdio: ['ignore', journal, 'ignore'] })
}

let compiled: string | undefined

function streamsClassPath(): string {
  if (compiled) return compiled
  const classes = join(root, 'node_modules/.cache/oxbow-bench/classes')
  mkdirSync(classes, { recursive: true })
  const programs = ['PriceStream', 'CountStream'].map((name) => join(here, `streams/${name}.java`))
  execFileSync('javac', ['-d', classes, '-cp', kafkaClassPath(), ...programs])
  return (compiled = `${kafkaClassPath()}:${classes}`)
}
