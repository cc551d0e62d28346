import fc from 'fast-check'
import { expect, it } from 'vitest'
import { attempt } from '../../../src/component/lift.ts'
import type { TwoSided } from '../../../src/component/operator.ts'
import { join } from '../../../src/operators/join.ts'
import type { Record } from '../../../src/record/record.ts'
import { context } from '../../support/context.ts'
import { record } from '../../support/records.ts'

type Change = { readonly side: 'left' | 'right'; readonly key: string; readonly value: unknown }

const name = 'stream.join'
const partitions = 2
const keylessOf = { inner: 'drop', left: 'keep' } as const
const partitionOf = (key: string): number => key.charCodeAt(0) % partitions

/** A left record that refers to nothing. */
const noKey = 'nothing'

const leftChange = fc.record({
  side: fc.constant('left' as const),
  key: fc.constantFrom('a', 'b'),
  value: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('x', 'y', 'z') },
    { weight: 1, arbitrary: fc.constantFrom(null, noKey) },
  ),
})
const rightChange = fc.record({
  side: fc.constant('right' as const),
  key: fc.constantFrom('x', 'y', 'z'),
  value: fc.oneof({ weight: 4, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.constant(null) }),
})

/** The tasks of both sides and the topics between them, each read when chance says so. */
class Tasks {
  readonly results = new Map<string, unknown>()
  readonly #asking: readonly TwoSided[]
  readonly #answering: readonly TwoSided[]
  readonly #queues: (readonly [TwoSided, 'left' | 'right', Record])[][] = Array.from(
    { length: 4 * partitions },
    () => [],
  )

  constructor(type: 'inner' | 'left') {
    const config = join.config.parse({
      stream: 'right',
      foreignKey: 'record.of',
      as: 'right',
      type,
      keyless: keylessOf[type],
    })
    const own = (partition: number) => context({ name, partition })
    const numbers = Array.from({ length: partitions }, (_, partition) => partition)
    this.#asking = numbers.map((partition) => join.build(config, own(partition)) as TwoSided)
    this.#answering = numbers.map((partition) => join.counterpart!(config)!.build(config, own(partition)) as TwoSided)
  }

  append({ side, key, value }: Change, offset: number): void {
    const given = side === 'left' && value !== null ? { of: value === noKey ? null : value, offset } : value
    const own = record(given, { key: Buffer.from(key) })
    const origin = { ...own.origin, topic: side, partition: partitionOf(key), offset: BigInt(offset) }
    const at = partitionOf(key)
    const task = (side === 'left' ? this.#asking : this.#answering)[at]!
    this.#put(side === 'left' ? at : partitions + at, task, side, { ...own, origin })
  }

  /** One record of one of the places where there are some. @returns whether there was any */
  step(chance: number): boolean {
    const waiting = this.#queues.filter((queue) => queue.length > 0)
    if (waiting.length === 0) return false
    const [task, side, given] = waiting[chance % waiting.length]!.shift()!
    const outcome = attempt(task[side], given, name)
    if (outcome.type === 'fail') throw outcome.fault
    if (outcome.type === 'drop') return true
    for (const result of outcome.results) this.#send(this.#asking.includes(task), outcome.branch !== undefined, result)
    return true
  }

  #send(isAsking: boolean, isAside: boolean, result: Record): void {
    const key = String(result.key)
    const sent = { ...result, value: JSON.parse(JSON.stringify(result.value)) as unknown }
    if (!isAsking) {
      const { partition } = result.value as { readonly partition: number }
      this.#put(3 * partitions + partition, this.#asking[partition]!, 'right', sent)
    } else if (isAside) {
      this.#put(2 * partitions + partitionOf(key), this.#answering[partitionOf(key)]!, 'left', sent)
    } else {
      if (result.value === null) expect(this.results.get(key) ?? null, 'what a tombstone takes back').not.toBeNull()
      this.results.set(key, result.value)
    }
  }

  #put(place: number, task: TwoSided, side: 'left' | 'right', given: Record): void {
    this.#queues[place]!.push([task, side, given])
  }
}

function recomputed(type: 'inner' | 'left', changes: readonly Change[]): Map<string, unknown> {
  const last = (wanted: Change['side']) =>
    new Map(
      changes.flatMap(({ side, key, value }, offset) => (side === wanted ? [[key, { value, offset }] as const] : [])),
    )
  const right = last('right')
  return new Map(
    [...last('left')].flatMap(([key, { value, offset }]): [string, unknown][] => {
      if (value === null) return []
      const row = { of: value === noKey ? null : value, offset }
      const found = right.get(value as string)?.value ?? null
      if (found !== null) return [[key, { ...row, right: found }]]
      return type === 'left' ? [[key, row]] : []
    }),
  )
}

it.each(['inner', 'left'] as const)(
  'a join by foreign key, %s, comes to what its last records say, whatever the order in which its tasks work',
  (type) => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(leftChange, rightChange), { maxLength: 12 }),
        fc.infiniteStream(fc.nat(1_000)),
        (changes, chances) => {
          const tasks = new Tasks(type)
          const chance = () => chances.next().value as number
          changes.forEach((change, offset) => {
            tasks.append(change, offset)
            for (let steps = chance() % 4; steps > 0; steps--) tasks.step(chance())
          })
          while (tasks.step(chance()));
          const results = [...tasks.results].filter(([, value]) => value !== null)
          expect(new Map(results.toSorted())).toEqual(new Map([...recomputed(type, changes)].toSorted()))
        },
      ),
      { numRuns: 2_000 },
    )
  },
)
