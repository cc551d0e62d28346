import { RecordedFault, type Fault } from '../record/fault.ts'
import type { Record } from '../record/record.ts'
import type { RecordFault } from './faults.ts'

/** The records that came to one place, in the order in which they first did. */
interface Arrivals {
  readonly numbers: Map<string, number>
  /** Failed tries by the number of the record. */
  readonly tries: Map<number, number>
}

/** Decides which records fail where. It outlives crashes: a record that comes again has the number that it had. */
export class RecordFaults {
  readonly #faults: ReadonlyMap<string, readonly RecordFault[]>
  readonly #arrivals = new Map<string, Arrivals>()

  constructor(faults: readonly RecordFault[]) {
    this.#faults = Map.groupBy(faults, ({ place }) => place)
  }

  /** Whether records fail at an operator or a sink. */
  concerns(place: string): boolean {
    return this.#faults.has(place)
  }

  /** A record comes to a place. @returns the fault that it is to fail with, if any */
  faultOf(place: string, record: Record): Fault | undefined {
    const faults = this.#faults.get(place)
    if (!faults) return undefined
    const { numbers, tries } = this.#at(place)
    const id = idOf(record)
    const number = numbers.get(id) ?? numbers.size + 1
    numbers.set(id, number)
    const fault = faults.find(({ records }) => records.includes(number))
    if (!fault) return undefined
    const tried = tries.get(number) ?? 0
    if (fault.tries !== undefined && tried >= fault.tries) return undefined
    tries.set(number, tried + 1)
    const message = `Record ${number} at ${place} fails because the test says so.`
    return new RecordedFault('injected.fault', message, fault.tries === undefined ? 'deadLetter' : 'retry')
  }

  /** Faults that did not come about, a line each. */
  get missed(): string[] {
    return [...this.#faults].flatMap(([place, faults]) => {
      const { numbers, tries } = this.#at(place)
      return faults.flatMap(({ records, tries: wanted = 1 }) =>
        records
          .filter((number) => (tries.get(number) ?? 0) < wanted)
          .map((number) =>
            number > numbers.size
              ? `record ${number} was to fail at ${place}, where ${numbers.size} came`
              : `record ${number} was to fail ${wanted} times at ${place}, and failed ${tries.get(number) ?? 0} times`,
          ),
      )
    })
  }

  #at(place: string): Arrivals {
    const known = this.#arrivals.get(place) ?? { numbers: new Map(), tries: new Map() }
    this.#arrivals.set(place, known)
    return known
  }
}

const idOf = ({ origin: { topic, partition, offset }, index }: Record): string =>
  JSON.stringify([topic, partition, String(offset), index])
