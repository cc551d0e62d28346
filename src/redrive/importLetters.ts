import type { Broker, TopicInfo } from '../broker/broker.ts'
import type { Decision } from '../deadletter/ledger/audit.ts'
import {
  entryRecord,
  groupEntryRecord,
  isLater,
  isSameFailure,
  type Disposition,
  type GroupEntry,
  type LedgerEntry,
} from '../deadletter/ledger/entry.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { readLetter, type Letter } from '../deadletter/readLetter.ts'
import type { OutputRecord } from '../record/record.ts'
import { bytesPerUnit, lettersPerUnit } from './unitSize.ts'
import { LineUnreadable, readLine, type ExportedLetter } from './letterLine.ts'

export interface ImportOptions {
  readonly broker: Broker
  readonly ledger: Ledger
  /** The dead-letter topics that letters may go to; they are there. */
  readonly topics: readonly string[]
  /** The topic of a letter; undefined where it has none. */
  readonly topicOf: (letter: Letter) => string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Who brings them back, and why. */
  readonly by: string
  readonly why: string
  readonly onProgress?: (imported: number) => void
}

export interface Imported {
  readonly imported: number
  /** Were there already. */
  readonly present: number
  /** Of those imported, how many their topic's retention will delete at once. */
  readonly old: number
  /** How many cannot be brought back, by why. */
  readonly refused: ReadonlyMap<string, number>
}

/** A line of an export cannot be read: what stands before it is imported, nothing from it on. */
export class ImportStopped extends Error {
  override readonly name = 'ImportStopped'
}

/**
 * The last word on a letter is what it was when it was exported, whatever a ledger says of it that outlived it: one that was open
 * is opened again, should it have been dealt with since. One that was on its way back is open, and no more: nobody knows whether
 * it still is.
 */
function standing(
  { id: letter, hops, failedAt }: Letter,
  disposition: Disposition,
  known: readonly LedgerEntry[],
  { now: at, by, why }: ImportOptions,
): LedgerEntry {
  const failure = { hops, failedAt }
  const said = { letter, ...failure, by, why, at }
  if (disposition !== 'open') return { ...said, to: disposition === 'redriving' ? 'open' : disposition }
  const times = known.map((entry) => (isSameFailure(entry, failure) ? (entry.reopened ?? 0) : 0))
  return { ...said, to: 'open', reopened: Math.max(0, ...times) + 1 }
}

/**
 * Brings exported letters back to dead-letter topics: the records byte for byte, under their ids, what became of them, and what
 * was decided about their groups.
 * What is there already is passed over. @throws ImportStopped
 */
export async function importLetters(lines: AsyncIterable<string>, options: ImportOptions): Promise<Imported> {
  const run = new Import(options)
  let number = 0
  try {
    await run.start()
    for await (const line of lines) {
      number++
      if (line.trim() === '') continue
      const read = readLine(line)
      if ('group' in read) run.decide(read)
      else await run.add(read)
    }
  } catch (thrown) {
    if (!(thrown instanceof LineUnreadable)) throw thrown
    await run.commit()
    throw new ImportStopped(
      `line ${number}: ${thrown.message} (nothing from it on is imported; what stands before it is)`,
    )
  }
  await run.commit()
  return run.result
}

class Import {
  readonly #options: ImportOptions
  #infos: ReadonlyMap<string, TopicInfo> = new Map()
  #outputs: OutputRecord[] = []
  readonly #pending = new Map<string, Letter>()
  /** Where the letters of an exported topic went. */
  readonly #targets = new Map<string, Set<string>>()
  /** Of the values of what is pending. */
  #bytes = 0
  #imported = 0
  #present = 0
  #old = 0
  readonly #refused = new Map<string, number>()

  constructor(options: ImportOptions) {
    this.#options = options
  }

  get result(): Imported {
    return { imported: this.#imported, present: this.#present, old: this.#old, refused: this.#refused }
  }

  async start(): Promise<void> {
    const { broker, ledger, topics } = this.#options
    this.#infos = new Map((await broker.topics(topics)).map((info) => [info.name, info]))
    await ledger.follow(topics, { whole: true })
  }

  async add(exported: ExportedLetter): Promise<void> {
    const { id, record } = exported
    const letter = readLetter({ ...record, offset: 0n })
    if (!letter) throw new LineUnreadable('its record is no dead letter of a convention that is known')
    const isOwn = letter.convention === 'oxbow'
    if (isOwn && letter.id !== id) throw new LineUnreadable(`its id is ${id}, that of its record ${letter.id}`)
    const topic = this.#options.topicOf(letter)
    if (topic === undefined) return this.#refuse(`the config has no source ${letter.source}`)
    this.#targets.set(record.topic, (this.#targets.get(record.topic) ?? new Set()).add(topic))
    if (this.#has(topic, id, letter)) this.#present++
    else if (!isOwn) this.#refuse('others wrote it: its id is its place on its topic, which it cannot have again')
    else await this.#append(topic, letter, exported)
  }

  /** A decision goes where the letters of its topic went. */
  decide({ topic: exportedFrom, ...decision }: Decision): void {
    const text = decisionText(decision)
    for (const topic of this.#targets.get(exportedFrom) ?? []) {
      const isKnown = this.#options.ledger.decisions(topic).some((known) => decisionText(known) === text)
      if (!isKnown) this.#outputs.push(groupEntryRecord(topic, decision))
    }
  }

  async commit(): Promise<void> {
    const { broker, ledger, topics, onProgress } = this.#options
    if (this.#outputs.length === 0) return
    const outputs = this.#outputs.splice(0)
    await broker.commit({ group: 'oxbow.dlq', task: '', outputs, offsets: [], state: [], counts: [] })
    this.#imported += this.#pending.size
    this.#pending.clear()
    this.#bytes = 0
    await ledger.follow(topics, { whole: true })
    onProgress?.(this.#imported)
  }

  #has(topic: string, id: string, letter: Letter): boolean {
    const pending = this.#pending.get(`${topic}/${id}`)
    const there = pending ?? this.#options.ledger.letter(id, [topic])
    return there !== undefined && (letter.convention !== 'oxbow' || !isLater(letter, there))
  }

  async #append(
    topic: string,
    letter: Letter,
    { record: { partition, ...record }, history, disposition }: ExportedLetter,
  ): Promise<void> {
    const { partitions, retention = Infinity } = this.#infos.get(topic)!
    const known = this.#options.ledger.history(letter.id, topic)
    const texts = known.map(textOf)
    this.#outputs.push(
      { ...record, topic, ...(partition < partitions.length && { partition }) },
      ...history.filter((entry) => !texts.includes(textOf(entry))).map((entry) => entryRecord(topic, entry)),
      entryRecord(topic, standing(letter, disposition, [...known, ...history], this.#options)),
    )
    if (record.timestamp < this.#options.now - retention) this.#old++
    this.#pending.set(`${topic}/${letter.id}`, letter)
    this.#bytes += record.value?.length ?? 0
    if (this.#pending.size >= lettersPerUnit || this.#bytes >= bytesPerUnit) await this.commit()
  }

  #refuse(why: string): void {
    this.#refused.set(why, (this.#refused.get(why) ?? 0) + 1)
  }
}

const textOf = ({ at, to, hops, failedAt, by, why, redrive }: LedgerEntry): string =>
  JSON.stringify([at, to, hops, failedAt, by, why, redrive])

const decisionText = ({ group, to, by, why, at }: GroupEntry): string => JSON.stringify([group, to, by, why, at])
