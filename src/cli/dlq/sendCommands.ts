import { commandRecord } from '../../topology/lane.ts'
import { prepareTopics } from '../../topology/prepareTopics.ts'
import { openPlace, placeOf } from '../brokerOptions.ts'
import { print, printJson } from '../output.ts'
import { readPlan } from '../plans.ts'
import { chosenLetters, orderedSources, type ChoiceOptions } from './letterChoice.ts'

/** Sends a command for each letter that was chosen to the tasks that hold them. */
export async function sendCommands(
  command: 'redrive' | 'discard',
  path: string,
  ids: readonly string[],
  options: ChoiceOptions,
): Promise<void> {
  const { file, plan } = readPlan(path)
  const sources = orderedSources(plan, options.source)
  const broker = await openPlace(placeOf(options, file), 'append')
  try {
    const letters = await chosenLetters(broker, sources, ids, options)
    await prepareTopics(
      broker,
      plan.topics.filter(({ partitionsOf }) => partitionsOf !== undefined),
    )
    const outputs = letters.map(({ id, source, origin }) => {
      const { lane } = sources.find(({ name }) => name === source)!
      return commandRecord(lane, origin.partition, { command, letter: id }, Date.now())
    })
    if (outputs.length > 0)
      await broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
    for (const { id, source, record } of options.json ? letters : [])
      await printJson({ letter: id, source, key: record.key?.toString() ?? null, command })
    if (!options.json) await print(`${summary[command](letters.length)}\n`)
  } finally {
    await broker.close()
  }
}

const letters = (count: number): string => `${count} ${count === 1 ? 'letter' : 'letters'}`

const summary = {
  redrive: (count: number) =>
    `${letters(count)} sent back to the operators that failed; what is parked behind them follows. The pipeline does it when it runs.`,
  discard: (count: number) =>
    `${letters(count)} discarded; what is parked behind them goes on. The pipeline does it when it runs.`,
}
