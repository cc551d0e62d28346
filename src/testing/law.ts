import type { Broker } from '../broker/broker.ts'
import type { Conservation, Pipeline } from '../topology/pipeline.ts'
import { countedAs, externalSources, type PlannedSource } from '../topology/plan.ts'
import type { Captured } from './captured.ts'

/**
 * Asserts the law of conservation: per source and stream `read = emitted + dropped + dead + inFlight`, none below zero.
 * @throws Error that names every row that breaks it
 */
export function expectConservation(rows: readonly Conservation[]): void {
  const broken = rows.flatMap(imbalance)
  if (broken.length > 0) throw new Error(broken.join('\n'))
}

function imbalance({ source, stream, read, emitted, dropped, dead, inFlight }: Conservation): string[] {
  const counts = { read, emitted, dropped, dead, inFlight }
  const sum = emitted + dropped + dead + inFlight
  if (read === sum && Object.values(counts).every((count) => count >= 0)) return []
  const shown = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  return [`records of ${source} are not conserved in ${stream}: ${shown.join(', ')}`]
}

/**
 * What the ledger of a quiet pipeline says, against what its topics hold. Empty when all is well.
 * @param running the pipeline, and its retry pipeline where it has one
 * @param repeats how many units may have left their letters twice; none when absent
 */
export async function findBrokenLaws(
  running: readonly Pipeline[],
  broker: Broker,
  captured: ReadonlyMap<string, readonly Captured[]>,
  repeats = 0,
): Promise<string[]> {
  const pipeline = running[0]!
  const inFlight = running.reduce((sum, own) => sum + own.inFlight, 0)
  const rows = await pipeline.conservation()
  const sources = externalSources(pipeline.plan)
  const later = rows.filter((row) => !sources.some(({ name }) => name === row.source))
  const letters = [...captured.values()].flat().filter(({ failure }) => failure)
  return [
    ...rows.flatMap(imbalance),
    ...sources.flatMap((source) => lostLetters(source, rows, later, letters)),
    ...repeatedIds(letters, repeats),
    // What a task has in hand when it stops is not committed, and stays in its topic.
    ...(running.some(({ troubles }) => troubles.length > 0)
      ? []
      : [...underWay(rows, inFlight), ...(await unread(pipeline, broker, rows))]),
  ]
}

/** A source record under way is so in at least one stream, and in no more streams than there are. */
function underWay(rows: readonly Conservation[], inFlight: number): string[] {
  const counted = rows.reduce((sum, row) => sum + row.inFlight, 0)
  if (counted >= inFlight && counted <= inFlight * rows.length) return []
  return [`${inFlight} source records are under way, the ledger has ${counted}`]
}

/** A source record that died has a letter, there or beyond an internal topic, and only such a one has. */
function lostLetters(
  { name }: PlannedSource,
  rows: readonly Conservation[],
  later: readonly Conservation[],
  letters: readonly Captured[],
): string[] {
  const dead = rows.filter(({ source }) => source === name).map((row) => row.dead)
  const deadLater = later.map((row) => row.dead)
  const found = new Set(letters.flatMap(({ failure }) => (failure?.source === name ? [failure.origin] : []))).size
  const atLeast = Math.max(0, ...dead)
  const atMost = [...dead, ...deadLater].reduce((sum, count) => sum + count, 0)
  if (found >= atLeast && found <= atMost) return []
  return [`the ledger has ${atMost} dead records of ${name}, its dead-letter topic has letters of ${found}`]
}

function repeatedIds(letters: readonly Captured[], repeats: number): string[] {
  const byId = Map.groupBy(letters, ({ failure }) => failure!.id)
  return [...byId]
    .filter(([, group]) => group.length > 1 + repeats)
    .map(([id, group]) => `${group.length} dead letters of ${group[0]!.failure!.operator} have the same id ${id}`)
}

/** Every record of a topic was read by every stream that reads it directly. */
async function unread(pipeline: Pipeline, broker: Broker, rows: readonly Conservation[]): Promise<string[]> {
  const topics = await broker.topics()
  return pipeline.plan.subtopologies.flatMap(({ streams }) =>
    streams.flatMap((planned) => {
      const name = countedAs(planned)
      return rows
        .filter(({ source, stream }) => stream === name && planned.from.includes(source))
        .flatMap(({ source, read }) => {
          const partitions = topics.find((topic) => topic.name === source)?.partitions ?? []
          const appended = partitions.reduce((sum, { end }) => sum + Number(end), 0)
          return read === appended ? [] : [`${name} read ${read} of the ${appended} records of ${source}`]
        })
    }),
  )
}
