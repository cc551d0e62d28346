import { isUtf8 } from 'node:buffer'
import type { Broker } from '../broker/broker.ts'
import type { Format } from '../component/source.ts'
import type { Letter } from '../deadletter/readLetter.ts'
import { redactor } from '../deadletter/redact.ts'
import type { KeptBefore } from '../testing/before.ts'
import type { Failure } from '../testing/captured.ts'
import { drive, type DriveOptions, type StateOverlay } from '../testing/drive.ts'
import { readScenario, type TopologyTest } from '../testing/scenario.ts'
import type { WrittenTest } from '../topology/appendTest.ts'
import { externalSources, type Plan, type PlannedSource } from '../topology/plan.ts'
import { maskBytes, maskFields, maskNames } from './maskFields.ts'
import { StateSlice } from './stateSlice.ts'

export interface LetterTestOptions {
  /** The config that the test is for. */
  readonly plan: Plan
  readonly monitor?: DriveOptions['monitor']
  readonly guarantee?: DriveOptions['guarantee']
  /** The real broker, which is only read. */
  readonly broker: Broker
  /** Fields of the value that nobody is to see. */
  readonly redact: readonly string[]
  readonly name?: string
}

/** A test of a letter, and how it went with the config as it is. */
export interface LetterTest extends WrittenTest {
  /** What became of the record, as of each that died of the same source record; empty where nothing did. */
  readonly failures: readonly Failure[]
  /** Whether one of them is what the letter says. */
  readonly fails: boolean
  /** State that the steps read is left out: it was too much. */
  readonly isCut: boolean
  readonly hasState: boolean
}

/** The source that a letter is of is not in the config. */
class NoSuchSource extends Error {
  override readonly name = 'NoSuchSource'
}

/**
 * Makes a test of a letter, and runs it: its source record, given at the time when it failed to a pipeline that keeps what
 * its steps read, is to have no dead letter. @throws NoSuchSource, and what running a test throws
 */
export async function testOfLetter(letter: Letter, options: LetterTestOptions): Promise<LetterTest> {
  const { plan, broker, redact } = options
  const source = externalSources(plan).find(({ name }) => name === letter.source)
  if (!source) throw new NoSuchSource(`the config has no source ${letter.source}, whose dead letter it is`)
  const bare = testFor(letter, source, options)
  const slice = await StateSlice.of(letter, plan, broker)
  await run(bare, options, slice)
  const kept = slice.kept
  const test = kept ? { ...bare, before: maskNames(kept, redact) as KeptBefore } : bare
  const failures = await run(test, options)
  const fails = failures.some(({ code, operator }) => code === letter.fault.code && operator === letter.operator)
  const { isCut } = slice
  return { comment: commentOf(letter, redact), test, failures, fails, isCut, hasState: kept !== undefined }
}

/** Not a member of the dead-letter topic is to come out, now or later: what else becomes of the record is left open. */
function testFor(
  letter: Letter,
  { name: source, format, deadLetters }: PlannedSource,
  { redact, name }: LetterTestOptions,
): TopologyTest & { readonly name: string } {
  const { origin, operator, fault, firstFailedAt } = letter
  const own = `${source}/${origin.partition}/${origin.offset} is no dead letter: ${fault.code} at ${operator}`
  return {
    name: (name ?? own).replaceAll('${', '$ {'),
    at: new Date(firstFailedAt).toISOString(),
    given: { [source]: 'a|' },
    values: { a: spelledOut(letter, format, redact) },
    expect: { [deadLetters.topic]: '-' },
  }
}

async function run(
  test: TopologyTest,
  options: LetterTestOptions,
  overlay?: StateOverlay,
): Promise<readonly Failure[]> {
  const { plan, monitor, guarantee } = options
  const scenario = readScenario(test, plan, monitor !== undefined)
  const { captured } = await drive({ plan, scenario, monitor, guarantee, overlay })
  return Object.keys(test.expect!).flatMap((topic) =>
    (captured.get(topic) ?? []).flatMap(({ failure }) => failure ?? []),
  )
}

function spelledOut({ record, origin }: Letter, format: Format, redact: readonly string[]): object {
  const { key, headers } = record
  return {
    ...(key !== null && { $key: asText(key) }),
    ...spelledValue(record.value, format, redact),
    ...(headers.length > 0 && { $headers: headers.map(([name, value]) => [name, value && asText(value)]) }),
    ...timeOf(origin.timestamp),
  }
}

/** A timestamp that is none, such as Kafka's -1, stays a number. */
const timeOf = (timestamp: number): object => ({
  $timestamp: timestamp >= 0 && timestamp <= 253_402_300_799_999 ? new Date(timestamp).toISOString() : timestamp,
})

/** As plain data where that gives the same bytes, or fields of it are masked; else as it is. */
function spelledValue(bytes: Buffer | null, format: Format, redact: readonly string[]): object {
  if (bytes === null) return { $raw: null }
  const plain = asJson(bytes)
  if (!plain) return { $raw: asText(redact.length > 0 ? maskBytes(bytes) : bytes) }
  const { value, text } = plain
  const masked = maskFields(value, redact)
  const json = JSON.stringify(masked)
  const isMasked = json !== JSON.stringify(value)
  const isPlain = isUnharmed(json) && (format === 'json' || typeof value !== 'string')
  if (isPlain && (isMasked || json === withoutSpace(text))) return { $value: masked }
  return { $raw: asText(isMasked ? Buffer.from(json) : bytes) }
}

function asJson(bytes: Buffer): { readonly text: string; readonly value: unknown } | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString()
  try {
    const value = JSON.parse(text) as unknown
    // As plain data it would be a tombstone.
    return value === null ? undefined : { text, value }
  } catch {
    return undefined
  }
}

const withoutSpace = (json: string): string => json.replaceAll(/("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g, '$1')

/** Whether a config can have it as it is: variables would be filled in, and some keys mean something to YAML. */
const isUnharmed = (text: string): boolean => !/\$\{|"<<"\s*:|"__proto__"\s*:/.test(text)

const asText = (bytes: Buffer): unknown =>
  isUtf8(bytes) && !bytes.includes('${') && !/[^\P{C}\n\t]/u.test(bytes.toString())
    ? bytes.toString()
    : { base64: bytes.toString('base64') }

function commentOf(
  { id, fault, operator, failedAt, origin, topic, partition, offset, record }: Letter,
  redact: readonly string[],
) {
  const plain = record.value && asJson(record.value)
  const message = redactor(redact, []).text(fault.message, plain ? plain.value : undefined)
  const place = `${origin.topic}/${origin.partition}/${origin.offset}`
  return [
    `Dead letter ${id} (${topic}/${partition}/${offset}) of ${place}, ${new Date(failedAt).toISOString()}:`,
    `${operator}, ${fault.code}: ${message}`.slice(0, 300),
    ...(redact.length > 0 ? [`Masked: ${redact.join(', ')}`] : []),
  ].map((line) => line.replaceAll(/\p{C}+/gu, ' '))
}
