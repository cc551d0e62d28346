import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { Command, Option } from 'commander'
import { dispositions, type Disposition } from '../../deadletter/ledger/entry.ts'
import { keptLetters } from '../../redrive/keptLetters.ts'
import { fingerprintOfLetter } from '../../deadletter/fingerprint.ts'
import { decisionLine, flatLine, letterLine } from '../../redrive/letterLine.ts'
import { CommandFailure } from '../failure.ts'
import { counted, print } from '../output.ts'
import { choiceOf, dispositionList, withChoosing, type ChoiceOptions } from './letterChoice.ts'
import { openLedger, type OpenLedger } from './openLedger.ts'
import { withBroker } from '../brokerOptions.ts'

interface ExportOptions extends ChoiceOptions {
  readonly topic?: string
  readonly disposition?: readonly Disposition[]
  readonly format: 'jsonl' | 'columns'
  readonly out?: string
}

export const dlqExportCommand = (): Command =>
  withChoosing(
    withBroker(
      new Command('export')
        .summary('write dead letters out, to keep them or to look into them elsewhere')
        .description(
          'Writes dead letters as lines of JSON, each as it failed last, whatever became of it. With the format jsonl, `oxbow dlq import` brings them back byte for byte, with what became of them; what was decided about their groups (muted, merged) comes last. The format columns is for other tools: the same columns in every line, none of them nested.',
        )
        .argument('[file]', 'a config: the letters of its dead-letter topics, instead of all that the broker has')
        .argument('[letter...]', 'ids of letters'),
    ),
    'all letters (the default)',
  )
    .option('--topic <name>', 'of this topic; all arguments are ids then')
    .option('--disposition <list>', `only those that are ${dispositions.join(', ')}`, dispositionList(dispositions))
    .addOption(new Option('--format <format>', 'how a line looks').choices(['jsonl', 'columns']).default('jsonl'))
    .option('--out <path>', 'a new file, instead of stdout')
    .addHelpText(
      'after',
      `
Examples:
  oxbow dlq export orders.yaml --out letters.jsonl
  oxbow dlq export --topic dlq.orders.v1 --disposition open --format columns > letters.columns.jsonl
  duckdb -c "COPY (FROM read_json('letters.columns.jsonl')) TO 'letters.parquet'"`,
    )
    .action(exportLetters)

async function exportLetters(path: string | undefined, ids: readonly string[], options: ExportOptions): Promise<void> {
  const { topic, disposition, format, out } = options
  const named = topic === undefined || path === undefined ? ids : [path, ...ids]
  const narrowed = named.length > 0 || [options.group, options.where, options.key].some((each) => each !== undefined)
  const choice = choiceOf(named, narrowed ? options : { ...options, all: true })
  const letters = await openLedger(options, topic === undefined ? path : undefined)
  try {
    const chosen = { ...choice, ...(disposition && { dispositions: disposition }) }
    const found = keptLetters(letters.broker, letters.ledger, topicsOf(letters, topic), chosen)
    const target = out === undefined ? undefined : await newFile(out)
    const asLine = format === 'jsonl' ? letterLine : flatLine
    const groups = new Set<string>()
    let [count, lines] = [0, '']
    const flush = async () => {
      await (target ? write(target, lines) : print(lines))
      lines = ''
    }
    for await (const each of found) {
      lines += asLine(each, letters.ledger.history(each.letter.id, each.letter.topic))
      groups.add(fingerprintOfLetter(each.letter))
      count++
      if (lines.length >= charactersAtOnce) await flush()
    }
    if (format === 'jsonl') lines += decisionsOn(groups, letters)
    await flush()
    if (target) await closed(target)
    console.error(`${counted(count, 'letter')} exported${out === undefined ? '' : ` to ${out}`}`)
  } finally {
    await letters.close()
  }
}

/** What was decided about the groups of the letters, also where they are shown in another one. */
const decisionsOn = (groups: ReadonlySet<string>, { ledger, names }: OpenLedger): string =>
  names
    .flatMap((topic) => ledger.decisions(topic))
    .filter(({ group }) => groups.has(group))
    .map(decisionLine)
    .join('')

const charactersAtOnce = 65_536

function topicsOf({ names }: OpenLedger, topic: string | undefined): readonly string[] {
  if (topic === undefined) return names
  if (names.includes(topic)) return [topic]
  throw new CommandFailure(`there is no dead-letter topic ${topic}; there are: ${names.join(', ') || 'none'}`)
}

/** One that is there already is not written over: it may be all that is left of its letters. */
async function newFile(path: string): Promise<WriteStream> {
  const stream = createWriteStream(path, { flags: 'wx' })
  try {
    await once(stream, 'open')
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException
    throw new CommandFailure(code === 'EEXIST' ? `${path} is there already; name another file` : message)
  }
  return stream
}

async function write(stream: WriteStream, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain')
}

async function closed(stream: WriteStream): Promise<void> {
  stream.end()
  await once(stream, 'close')
}
