import { userInfo } from 'node:os'
import { Command } from 'commander'
import { entryRecord, ledgerOf } from '../../deadletter/ledger/entry.ts'
import type { Letter } from '../../deadletter/readLetter.ts'
import type { OutputRecord } from '../../record/record.ts'
import { commandRecord } from '../../topology/lane.ts'
import type { PlannedSource } from '../../topology/plan.ts'
import { prepareTopics } from '../../topology/prepareTopics.ts'
import { openPlace, placeOf } from '../brokerOptions.ts'
import { counted, print, printJson } from '../output.ts'
import { readPlan } from '../plans.ts'
import { chosenLetters, sourcesOf, withChoice, type ChoiceOptions } from './letterChoice.ts'

export const dlqDiscardCommand = (): Command =>
  withChoice(
    new Command('discard')
      .summary('give dead letters up')
      .description(
        'Gives dead letters up: they are open no more, and with `order: key` what is parked behind them goes on. The letters stay on their topic until its retention deletes them.',
      ),
  )
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq discard orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706 --why 'a test order'
  oxbow dlq discard orders.yaml --key customer-17`,
    )
    .action(discard)

const lettersAtOnce = 1_000

async function discard(path: string, ids: readonly string[], options: ChoiceOptions): Promise<void> {
  const { file, plan } = readPlan(path)
  const sources = sourcesOf(plan, options.source)
  const broker = await openPlace(placeOf(options, file), 'append')
  try {
    const letters: Letter[] = []
    for await (const letter of chosenLetters(broker, plan, ids, options)) letters.push(letter)
    const ledgers = new Set(sources.map(({ deadLetters }) => ledgerOf(deadLetters.topic)))
    await prepareTopics(
      broker,
      plan.topics.filter(({ name, partitionsOf }) => partitionsOf !== undefined || ledgers.has(name)),
    )
    const said = { by: userInfo().username, why: options.why ?? '' }
    for (let at = 0; at < letters.length; at += lettersAtOnce) {
      const outputs = letters.slice(at, at + lettersAtOnce).map((letter) =>
        discarding(
          letter,
          sources.find(({ name }) => name === letter.source)!,
          said,
        ),
      )
      await broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
    }
    for (const { id, source, record } of options.json ? letters : [])
      await printJson({ letter: id, source, key: record.key?.toString() ?? null, command: 'discard' })
    if (!options.json) await print(`${summary(letters, sources)}\n`)
  } finally {
    await broker.close()
  }
}

/** What gives a letter up: a command to the task that may hold up its key, which says so in the ledger, or the entry itself. */
function discarding(
  letter: Letter,
  source: PlannedSource,
  said: { readonly by: string; readonly why: string },
): OutputRecord {
  const { id, topic, hops, failedAt, origin } = letter
  const now = Date.now()
  if (!mayBeHeld(letter, source))
    return entryRecord(topic, { letter: id, hops, failedAt, to: 'discarded', at: now, ...said })
  const command = { command: 'discard', letter: id, failure: { topic, hops, failedAt }, ...said } as const
  return commandRecord(source.lane!, origin.partition, command, now)
}

const mayBeHeld = ({ record, read }: Letter, { deadLetters }: PlannedSource): boolean =>
  deadLetters.parked !== undefined && record.key !== null && !read

function summary(letters: readonly Letter[], sources: readonly PlannedSource[]): string {
  const count = `${counted(letters.length, 'letter')} discarded`
  if (!sources.some(({ deadLetters }) => deadLetters.parked)) return `${count}.`
  return `${count}; what is parked behind them goes on. The pipeline does it when it runs.`
}
