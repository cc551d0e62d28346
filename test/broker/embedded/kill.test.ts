import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Broker, Position } from '../../../src/broker/broker.ts'
import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import type { StoredRecord } from '../../../src/record/record.ts'
import { newDirectory, start, type Child } from './processes.ts'
import { outputsPerUnit } from './units.ts'

const kills = 12

it('keeps every unit whole and none twice, however often the process is killed', { timeout: 60_000 }, async () => {
  const directory = await newDirectory()
  let durable = 0
  for (let kill = 0; kill < kills; kill++) {
    const acknowledged = await killAtRandom(start('commitUnits', [directory]))
    expect(acknowledged).toBeGreaterThan(durable)
    durable = await checkUnits(directory)
    expect(durable).toBeGreaterThanOrEqual(acknowledged)
    expect(durable).toBeLessThanOrEqual(acknowledged + 1)
  }
})

it('keeps nothing of a unit that the disk had no room for', { timeout: 60_000 }, async () => {
  const directory = await newDirectory()
  const child = start('commitUnits', [directory], 2_048)
  const acknowledged = await lastNumber(child)
  expect(await child.ended).toBe(1)
  expect(await child.stderr).toMatch(/BrokerError: The disk (is full|failed to read or write .*oxbow\.db)/)
  expect(acknowledged).toBeGreaterThan(0)
  expect(await checkUnits(directory)).toBe(acknowledged)
})

/** The last number the process printed before it was killed, some time after its first. */
async function killAtRandom(child: Child): Promise<number> {
  const last = lastNumber(child)
  await Promise.race([once(child), child.ended])
  await setTimeout(Math.random() * 80)
  child.process.kill('SIGKILL')
  expect(await child.ended, await child.stderr).toBeNull()
  return last
}

const once = (child: Child): Promise<void> => new Promise((resolve) => void child.stdout.once('data', () => resolve()))

async function lastNumber({ stdout }: Child): Promise<number> {
  let last = 0
  for await (const line of createInterface(stdout)) last = Number(line)
  return last
}

/** Checks that exactly the units up to the last one are there, in full. */
async function checkUnits(directory: string): Promise<number> {
  const broker = await openEmbedded({ directory, owner: true })
  const state = await broker.state('units', '0')
  const last = Number(state.get('units', 'last'))
  expect([...state.entries('done')].map(([key]) => Number(key))).toEqual([last])
  expect(await broker.committed('units')).toEqual([{ topic: 'in', partition: 0, offset: BigInt(last) }])
  expect(await broker.counts('units')).toMatchObject([{ read: last, emitted: last }])

  const input = await readAll(broker, { topic: 'in', partition: 0, offset: 0n })
  expect(input.map(({ value }) => Number(value))).toEqual(Array.from({ length: last }, (_, n) => n + 1))

  const perUnit = new Map<number, number>()
  for (let partition = 0; partition < 4; partition++) {
    const records = await readAll(broker, { topic: 'out', partition, offset: 0n })
    const units = records.map(({ headers }) => Number(headers[0]![1]))
    expect(units).toEqual(units.toSorted((a, b) => a - b))
    for (const unit of units) perUnit.set(unit, (perUnit.get(unit) ?? 0) + 1)
  }
  expect([...perUnit.values()]).toEqual(Array(last).fill(outputsPerUnit))
  await broker.close()
  return last
}

/** All records of a partition; their offsets must be 0, 1, 2 … */
async function readAll(broker: Broker, from: Position): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for (let offset = from.offset; ; offset = BigInt(records.length)) {
    const batch = await broker.read({ ...from, offset }, 5_000)
    if (batch.records.length === 0) return records
    records.push(...batch.records)
    expect(records.at(-1)!.offset).toBe(BigInt(records.length - 1))
  }
}
