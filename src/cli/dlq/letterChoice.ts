import type { Command } from 'commander'
import type { Broker, TopicInfo } from '../../broker/broker.ts'
import { readLetter, type Letter } from '../../deadletter/readLetter.ts'
import { externalSources, type Plan, type PlannedSource } from '../../topology/plan.ts'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { CommandFailure, UsageError } from '../failure.ts'

/** Which dead letters a command is about: by their ids, by their key, or all. */
export interface ChoiceOptions extends BrokerOptions {
  readonly key?: string
  readonly source?: string
  readonly all?: true
  readonly json?: true
}

export const withChoice = (command: Command): Command =>
  withBroker(
    command
      .argument('<file>', 'the config of the pipeline')
      .argument('[letter...]', 'ids of letters')
      .option('--key <key>', 'the letters of a key')
      .option('--all', 'all letters')
      .option('--source <name>', 'only those of a source')
      .option('--json', 'one JSON object a letter: letter, source, key, command'),
  )

/** A source whose dead letters hold up their keys, so that commands for them have a lane. */
export type OrderedSource = PlannedSource & { readonly lane: string }

/** @throws CommandFailure where no source, or not the one that is named, keeps the order of its keys */
export function orderedSources(plan: Plan, wanted: string | undefined): readonly OrderedSource[] {
  const { name } = plan
  const sources = externalSources(plan)
  if (wanted !== undefined && !sources.some((source) => source.name === wanted)) {
    throw new UsageError(`${name} has no source ${wanted}, only ${sources.map((source) => source.name).join(', ')}`)
  }
  const ordered = sources.filter(
    (source): source is OrderedSource => source.lane !== undefined && source.name === (wanted ?? source.name),
  )
  if (ordered.length > 0) return ordered
  throw new CommandFailure(
    `${wanted ?? name} does not keep the order of keys (\`deadLetters: { order: key }\`): its dead letters hold nothing up`,
  )
}

/** The latest of each letter that was chosen, oldest first. @throws UsageError CommandFailure */
export async function chosenLetters(
  broker: Broker,
  sources: readonly OrderedSource[],
  ids: readonly string[],
  { key, all }: ChoiceOptions,
): Promise<readonly Letter[]> {
  if ([ids.length > 0, key !== undefined, all === true].filter(Boolean).length !== 1) {
    throw new UsageError('say which letters: by their ids, by --key, or --all')
  }
  const wanted = new Set(ids)
  const names = new Set(sources.map(({ name }) => name))
  const found = new Map<string, Letter>()
  for (const topic of await broker.topics(sources.map(({ deadLetters }) => deadLetters.topic))) {
    for await (const letter of lettersIn(broker, topic)) {
      if (!names.has(letter.source)) continue
      if (all || wanted.has(letter.id) || (key !== undefined && letter.record.key?.toString() === key))
        found.set(letter.id, letter)
    }
  }
  const missing = ids.filter((id) => !found.has(id))
  if (missing.length > 0) throw new CommandFailure(`no such letter: ${missing.join(', ')}; nothing was done`)
  return [...found.values()].toSorted((a, b) => a.failedAt - b.failedAt)
}

const recordsPerRead = 1_000

async function* lettersIn(broker: Broker, { name, partitions }: TopicInfo): AsyncGenerator<Letter> {
  for (const { partition, start, end } of partitions) {
    for (let offset = start; offset < end;) {
      const { records, next } = await broker.read({ topic: name, partition, offset }, recordsPerRead)
      for (const record of records) {
        const letter = readLetter(record)
        if (letter) yield letter
      }
      if (next === offset) break
      offset = next
    }
  }
}
