import { asyncScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { catalog } from '../../src/catalog.ts'
import { runTopology } from '../../src/testing/runTopology.ts'
import { findBuildProblems } from '../../src/topology/build.ts'
import { describePlan } from '../../src/topology/describe.ts'
import { describeAsMermaid } from '../../src/topology/describeMermaid.ts'
import { describeAsText } from '../../src/topology/describeText.ts'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { append, output, startPipeline, valuesOf } from '../support/pipeline.ts'

const config = (
  join = 'table: countries, by: record.country, as: country',
  sink = '{ name: countries, global: true }',
) => `
name: p
sources:
  places: { topic: {}, partitions: 2 }
  visits: { topic: {}, partitions: 3 }
deadLetters: { retry: { attempts: 0 } }
streams:
  countries: { from: places, to: { table: ${sink} } }
  visited: { from: visits, steps: [{ join: { ${join} } }], to: { topic: out } }
`
const onePartition = (join?: string) => config(join).replaceAll(/, partitions: ./g, '')
const planOf = (yaml: string) => resolvePlan(parseConfig(yaml, 'p.yaml', catalog, {}), catalog)
const values = {
  n: { $key: 'no', $value: { name: 'Norway' } },
  m: { $key: 'no', $value: { name: 'Norge' } },
  t: { $key: 'no', $raw: null },
  v: { $key: 'ann', $value: { country: 'no' } },
  w: { $key: 'ann', $value: { country: null } },
  x: { $key: 'ann', $value: { country: { name: 'Norway' } } },
  y: { $key: 'ann', $value: { country: { name: 'Norge' } } },
  f: { $key: 'ann', $value: { country: 'no' }, $fault: 'join.missed' },
  g: { $key: 'ann', $value: { country: null }, $fault: 'record.no_key' },
}

describe('a global table', () => {
  it('has the last record of each key for records of other keys, until a tombstone comes', async () => {
    const driven = await runTopology(
      onePartition('table: countries, by: record.country, as: country, missing: deadLetter'),
      {
        given: { places: '-n-m-t--|', visits: 'v-v-v-vw|' },
        values,
        expect: { out: '--x-y---|', 'dlq.visits': 'f-----fg|' },
        tables: { countries: { no: null } },
      },
    )
    expect(driven.conservation).toMatchObject([
      { source: 'places', read: 3, emitted: 3 },
      { source: 'visits', read: 5, emitted: 2, dead: 3 },
    ])
  })

  it('is read by the key of the record where the join says no other, and then, too, it needs no keyBy', async () => {
    await runTopology(onePartition('table: countries, as: name, type: left'), {
      given: { places: 'n-|', visits: '-z|' },
      values: { ...values, z: { $key: 'no', $value: {} }, r: { $key: 'no', $value: { name: { name: 'Norway' } } } },
      expect: { out: '-r|' },
      tables: { countries: { no: { name: 'Norway' } } },
    })
  })

  it('is what it was after a crash between a unit and its offsets', async () => {
    for (const crash of ['beforeProduce', 'afterProduce', 'afterState', 'afterCommit'] as const)
      await runTopology(`${onePartition()}guarantee: atLeastOnce`, {
        given: { places: 'n-m--|', visits: '-v-v-|' },
        values,
        expect: { out: '-x-y-|' },
        faults: [{ crash, unit: 3 }],
        tables: { countries: { no: { name: 'Norge' } } },
      })
  })

  it('is found by every task, whatever the partitions of its source, over a restart too, and is one store', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    const countries = ['no', 'se', 'dk', 'fi', 'is']
    const first = await startPipeline(config(), catalog, { broker })
    await append(
      broker,
      countries.map((key) => output('places', { name: key.toUpperCase() }, { key: Buffer.from(key) })),
    )
    await first.pipeline.quiet()
    await first.pipeline.stop()

    const { pipeline } = await startPipeline(config(), catalog, { broker })
    const visits = countries.flatMap((country) =>
      [0, 1, 2].map((partition) => output('visits', { country }, { partition })),
    )
    await append(broker, visits)
    await pipeline.quiet()
    const found = await valuesOf(broker, 'out')
    expect(found).toHaveLength(15)
    expect(found).toEqual(expect.arrayContaining(countries.map((key) => ({ country: { name: key.toUpperCase() } }))))
    expect(await pipeline.stores({ internal: false })).toMatchObject({
      stores: [{ store: 'countries', partition: 0, entries: 5, global: true }],
    })
    const { entries } = await pipeline.stores({ store: 'countries', key: 'se', limit: 1 })
    expect(entries).toMatchObject([{ store: 'countries', key: 'se', value: { value: { name: 'SE' } } }])
  })

  it('is refused over the rows of one that was not global, and the other way round', async () => {
    const plain = config('table: countries, as: country', 'countries').replaceAll(/, partitions: ./g, '')
    const later = onePartition('table: countries, as: country')
    for (const [before, now, message] of [
      [plain, later, 'countries has state that `table` made, and is `global table` now: give the stream another name'],
      [later, plain, 'countries has state that `global table` made, and is `table` now: give the stream another name'],
    ] as const) {
      const broker = await openEmbedded({ directory: ':memory:' })
      const { pipeline } = await startPipeline(before, catalog, { broker })
      await append(broker, [output('places', { name: 'Norway' }, { key: Buffer.from('no') })])
      await pipeline.quiet()
      await pipeline.stop()
      await expect(startPipeline(now, catalog, { broker })).rejects.toThrow(message)
      await broker.reset('p', { offsets: [], topics: [] })
      await (await startPipeline(now, catalog, { broker })).pipeline.quiet()
    }
  })

  it('can be kept with another number of partitions, for its rows are in none', async () => {
    const broker = await openEmbedded({ directory: ':memory:' })
    const { pipeline } = await startPipeline(config(), catalog, { broker })
    await append(broker, [output('places', { name: 'Norway' }, { key: Buffer.from('no') })])
    await pipeline.quiet()
    await pipeline.stop()
    await broker.ensureTopics([{ name: 'places', partitions: 4, byNumber: true }])
    const again = await startPipeline(
      config().replace('places: { topic: {}, partitions: 2 }', 'places: { topic: {} }'),
      catalog,
      { broker },
    )
    await append(broker, [output('visits', { country: 'no' })])
    await again.pipeline.quiet()
    expect(await valuesOf(broker, 'out')).toEqual([{ country: { name: 'Norway' } }])
  })

  it('stands in the description of the topology, with who reads it', () => {
    const described = describePlan(planOf(config()))
    expect(described.subtopologies).toHaveLength(2)
    const text = describeAsText(described)
    expect(text).toContain('Sink: countries.to.table (table, global table: countries)')
    expect(text).toContain('Processor: visited.join (join, global table: countries)')
    expect(describeAsMermaid(described)).toContain('visited.join, reads countries (global)')
  })

  it('is asked for where `by` needs one, and must be there', () => {
    expect(() => planOf(config(undefined, 'countries'))).toThrow(
      "`countries` has its rows in the tasks of their keys, so only the record's own key can be looked up; keep it for every task (`to: { table: { name: countries, global: true } }`)",
    )
    expect(() => planOf(config('table: contries, as: country'))).toThrow('did you mean `countries`?')
    expect(() => planOf(config('stream: places, latest: true, by: record.x, as: country'))).toThrow('it is for `table`')
  })

  it('does not work where records are retried by another pipeline, nor does any other table', async () => {
    const yaml = config().replace('attempts: 0', 'topic: "{source}.retry"')
    expect(() => planOf(yaml)).toThrow('`table` keeps its rows in the state of this pipeline, and retries of `places`')
    const joined = config().replace(
      'visits: { topic: {}',
      'visits: { topic: {}, deadLetters: { retry: { topic: again } }',
    )
    const file = parseConfig(joined, 'p.yaml', catalog, {})
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    expect(findBuildProblems(file, resolvePlan(file, catalog), asyncScheduler, log)).toMatchObject([
      { message: expect.stringContaining('`join` reads a table, and the retries of `visits`') as unknown },
    ])
  })
})
