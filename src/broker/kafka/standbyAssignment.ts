import { withCopy, type Owners, type Readers } from './readers.ts'

/**
 * Copies of each partition's state, for members of other places than its owner's and its other copies': they would go
 * with them. Whoever has a copy keeps it, as long as all have about as many.
 * @returns the partition numbers of each member
 */
export function shareStandbys(readers: Readers, owners: Owners, replicas: number): Map<string, number[]> {
  const sharing = new Sharing(readers, owners)
  const copies = Math.min(replicas, sharing.places - 1)
  const wanted = Array.from({ length: copies }, () => [...owners.keys()]).flat()
  const most = Math.ceil(wanted.length / readers.size)
  const missing = wanted.filter((number) => {
    const able = withCopy(readers, number).filter((id) => sharing.may(id, number))
    const id = able.find((each) => sharing.countOf(each) < most)
    if (id !== undefined) sharing.add(id, number)
    return id === undefined
  })
  for (const number of missing) {
    const able = sharing.ids.filter((id) => sharing.may(id, number))
    const [id] = able.toSorted((a, b) => sharing.countOf(a) - sharing.countOf(b))
    if (id !== undefined) sharing.add(id, number)
  }
  sharing.level()
  return sharing.numbers
}

/** A copy moves from a member to another. */
interface Move {
  readonly from: string
  readonly to: string
  readonly number: number
}

class Sharing {
  readonly numbers: Map<string, number[]>
  readonly #owners: Owners
  readonly #placeOf: (id: string) => string
  readonly #holders = new Map<number, string[]>()

  constructor(readers: Readers, owners: Owners) {
    this.numbers = new Map([...readers.keys()].map((id) => [id, []]))
    this.#owners = owners
    this.#placeOf = (id) => readers.get(id)!.place ?? id
  }

  get ids(): string[] {
    return [...this.numbers.keys()]
  }

  get places(): number {
    return new Set(this.ids.map(this.#placeOf)).size
  }

  countOf(id: string): number {
    return this.numbers.get(id)!.length
  }

  /** Whether a member may keep a copy, instead of another member if that is said. */
  may(id: string, number: number, instead?: string): boolean {
    const holders = [this.#owners.get(number)!, ...(this.#holders.get(number) ?? [])]
    return holders.every((other) => other === instead || this.#placeOf(other) !== this.#placeOf(id))
  }

  add(id: string, number: number): void {
    this.numbers.get(id)!.push(number)
    this.#holders.set(number, [...(this.#holders.get(number) ?? []), id])
  }

  /** Moves copies until nobody has two more than anybody else, as far as they may be moved. */
  level(): void {
    for (const full of this.ids.toSorted((a, b) => this.countOf(b) - this.countOf(a)))
      for (let way = this.#wayFrom(full); way.length > 0; way = this.#wayFrom(full))
        way.forEach((move) => this.#make(move))
  }

  #make({ from, to, number }: Move): void {
    this.numbers.set(
      from,
      this.numbers.get(from)!.filter((each) => each !== number),
    )
    this.#holders.set(
      number,
      this.#holders.get(number)!.filter((each) => each !== from),
    )
    this.add(to, number)
  }

  /** Moves, each out of where the one before went, from a member to one that has two less; none where there is no such way. */
  #wayFrom(full: string): readonly Move[] {
    const ways = new Map<string, readonly Move[]>([[full, []]])
    for (const [from, way] of ways) {
      for (const number of this.numbers.get(from)!) {
        if (way.some((move) => move.number === number)) continue
        for (const to of this.ids) {
          if (ways.has(to) || !this.may(to, number, from)) continue
          const moves = [...way, { from, to, number }]
          if (this.countOf(to) <= this.countOf(full) - 2) return moves
          ways.set(to, moves)
        }
      }
    }
    return []
  }
}
