import type { RawRecord } from '../record/record.ts'
import type { HeldPart } from './held.ts'
import { keyText } from './lane.ts'
import type { Lineage } from './lineage.ts'
import type { ParkedLimit, PlannedSource } from './plan.ts'
import { Queue } from './queue.ts'

/** A record that is parked, or dead and holding up its key; once it is in the task's state, memory has its id alone. */
export class Shelved {
  readonly id: string
  lineage: Lineage | undefined

  constructor(lineage: Lineage) {
    this.id = lineage.id
    this.lineage = lineage
  }
}

/** Records of one key of one source. */
export class Sequence {
  readonly source: string
  /** Under way; undefined while the next one is on its way in, or the last one is dead. */
  current: Lineage | undefined
  /** Dead, with letters that hold up the key: the others wait until somebody does something about them. */
  dead: Shelved | undefined
  /** What died of it, by the ids of the letters: the part, or where the task's state has it. */
  readonly letters = new Map<string, HeldPart | string>()
  /** Parked behind it, in the order of their offsets. */
  readonly waiting = new Queue<Shelved>()

  constructor(source: string) {
    this.source = source
  }
}

/** Which sources of a task are kept in order, and how much may be parked in it: the most that one of them allows. */
export function limitOf(sources: Iterable<PlannedSource>): {
  readonly ordered: ReadonlySet<string>
  readonly most: ParkedLimit
} {
  const limits = [...sources].flatMap(({ name, deadLetters: { parked } }) => (parked ? [{ name, ...parked }] : []))
  return {
    ordered: new Set(limits.map(({ name }) => name)),
    most: {
      records: Math.max(0, ...limits.map(({ records }) => records)) || Infinity,
      bytes: Math.max(0, ...limits.map(({ bytes }) => bytes)) || Infinity,
    },
  }
}

/** What tells sequences apart; a record without a key has a sequence of its own. */
export const nameOf = ({ input, id, raw: { key } }: Lineage): string =>
  key === null ? `${input} ${id}` : `${input}/${keyText(key)}`

/** A copy with bytes of its own: what comes from a broker shares those of a whole batch. */
export function detached({ key, value, headers, timestamp }: RawRecord): RawRecord {
  return {
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: headers.map(([name, bytes]) => [name, bytes && Buffer.from(bytes)] as const),
    timestamp,
  }
}
