import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { fail } from '../../src/record/outcome.ts'
import { capturedLetter, type Captured } from '../../src/testing/captured.ts'
import { findBrokenLaws } from '../../src/testing/law.ts'
import type { Pipeline } from '../../src/topology/pipeline.ts'
import { append, catalogWith, operator, output, recordsOf, startPipeline } from '../support/pipeline.ts'

const refuse = operator('refuse', () => (record) => fail(record, new RecordedFault('record.refused', 'No.')))
const config =
  'name: p\nsources: { in: { topic: {} } }\nstreams: { s: { from: in, steps: [refuse: {}], to: { topic: out } } }'

describe('the laws over a pipeline that is quiet', () => {
  let pipeline: Pipeline
  let broker: Broker
  let letters: readonly Captured[]

  beforeEach(async () => {
    const started = await startPipeline(config, catalogWith({ operators: [refuse] }), {
      before: [output('in', 1), output('in', 2)],
    })
    ;({ pipeline, broker } = started)
    await pipeline.quiet()
    letters = (await recordsOf(broker, 'dlq.in')).map((letter) => capturedLetter(letter, 0, () => 'json'))
  })

  const broken = (captured: readonly Captured[]) => findBrokenLaws([pipeline], broker, new Map([['dlq.in', captured]]))

  it('hold', async () => {
    expect(await broken(letters)).toEqual([])
  })

  it('are broken by a dead record without a letter', async () => {
    expect(await broken(letters.slice(1))).toEqual([
      'the ledger has 2 dead records of in, its dead-letter topic has letters of 1',
    ])
  })

  it('are broken by two letters of one id', async () => {
    expect(await broken([...letters, letters[0]!])).toEqual([
      expect.stringMatching(/^2 dead letters of s\.refuse have the same id [0-9a-f]{32}$/),
    ])
  })

  it('are broken by a ledger that does not add up', async () => {
    const counts = [{ source: 'in', stream: 's', read: 1, emitted: 0, dropped: 0, dead: 3 }]
    await broker.commit({ group: 'p', task: '0_0', outputs: [], offsets: [], state: [], counts })
    expect(await broken(letters)).toEqual([
      'records of in are not conserved in s: read 3, emitted 0, dropped 0, dead 5, inFlight -2',
      'the ledger has 5 dead records of in, its dead-letter topic has letters of 2',
      '0 source records are under way, the ledger has -2',
      's read 3 of the 2 records of in',
    ])
  })

  it('are broken by a record that no stream read', async () => {
    await pipeline.stop()
    await append(broker, [output('in', 3)])
    expect(await broken(letters)).toEqual(['s read 2 of the 3 records of in'])
  })
})
