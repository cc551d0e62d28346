import type { Guarantee, Measurement } from './job.ts'

/** The medians of a peer's runs. */
export interface Summary {
  readonly peer: string
  readonly guarantee: Guarantee
  readonly threads: number
  readonly rounds: number
  readonly rate: number
  /** Its rate against that of Kafka Streams at the same guarantee, with as many threads; undefined without such runs. */
  readonly ratio: number | undefined
  readonly seconds: number
  readonly memory: number
  readonly cpu: number
  readonly brokerCpu: number
  readonly lost: number
  readonly doubled: number
}

export const yardstick = 'Kafka Streams'

export function summaries(measurements: readonly Measurement[]): Summary[] {
  const groups = Map.groupBy(measurements, ({ guarantee, threads, peer }) => `${guarantee} ${threads} ${peer}`)
  return [...groups.values()]
    .map((own): Summary => {
      const { peer, guarantee, threads } = own[0]!
      const reference = measurements.filter(
        (each) => each.peer === yardstick && each.guarantee === guarantee && each.threads === threads,
      )
      const middle = (name: 'rate' | 'seconds' | 'memory' | 'cpu' | 'brokerCpu') => median(own.map((run) => run[name]))
      return {
        peer,
        guarantee,
        threads,
        rounds: own.length,
        rate: middle('rate'),
        ratio: reference.length > 0 ? middle('rate') / median(reference.map(({ rate }) => rate)) : undefined,
        seconds: middle('seconds'),
        memory: middle('memory'),
        cpu: middle('cpu'),
        brokerCpu: middle('brokerCpu'),
        lost: Math.max(...own.map(({ lost }) => lost)),
        doubled: Math.max(...own.map(({ doubled }) => doubled)),
      }
    })
    .toSorted((a, b) => a.guarantee.localeCompare(b.guarantee) || a.threads - b.threads || a.rate - b.rate)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!
}

const columns = [
  'guarantee',
  'threads',
  'system',
  'runs',
  'records/s',
  'x Kafka Streams',
  's with start',
  'MiB',
  'CPU s',
  'broker CPU s',
  'lost',
  'doubled',
]

export function tableOf(rows: readonly Summary[]): string {
  const lines = rows.map((row) => [
    row.guarantee,
    row.threads,
    row.peer,
    row.rounds,
    Math.round(row.rate).toLocaleString('en'),
    row.ratio?.toFixed(2) ?? '',
    row.seconds.toFixed(1),
    row.memory,
    row.cpu.toFixed(1),
    row.brokerCpu.toFixed(1),
    row.lost,
    row.doubled,
  ])
  return markdown(columns, lines)
}

/** A table in Markdown. */
export const markdown = (columns: readonly string[], lines: readonly (readonly unknown[])[]): string =>
  [columns, columns.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
