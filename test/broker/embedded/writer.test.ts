import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BrokerError } from '../../../src/broker/broker.ts'
import type { PackedUnit } from '../../../src/broker/embedded/tables.ts'
import { threadWriter } from '../../../src/broker/embedded/writer.ts'

const unit: PackedUnit = { group: 'g', task: 't', offsets: [], state: [], counts: [], appends: [] }

it('a writer whose thread ends refuses the units that wait, and those to come, and closes', async () => {
  const writer = threadWriter(join(mkdtempSync(join(tmpdir(), 'oxbow-')), 'missing', 'oxbow.db'))
  const writing = writer.write(unit)
  const closing = writer.close()
  await expect(writing).rejects.toThrow(BrokerError)
  await expect(writer.write(unit)).rejects.toThrow(BrokerError)
  await closing
})

it('a unit that cannot reach the thread is refused, and does not keep the writer from closing', async () => {
  const writer = threadWriter(join(mkdtempSync(join(tmpdir(), 'oxbow-')), 'oxbow.db'))
  const key = (() => {}) as unknown as string
  await expect(writer.write({ ...unit, state: [{ store: 's', key, value: null }] })).rejects.toThrow('cloned')
  await writer.close()
})
