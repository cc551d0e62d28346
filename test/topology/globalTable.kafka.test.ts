import { expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { catalog } from '../../src/catalog.ts'
import { describeKafka, openTestKafka } from '../support/kafka/open.ts'
import { uniqueName } from '../support/kafka/records.ts'
import { append, output, startPipeline } from '../support/pipeline.ts'

const countries = ['no', 'se', 'dk', 'fi', 'is']

describeKafka('a global table on Kafka', { timeout: 60_000 }, () => {
  it('is had whole by each of two members, from its topic at their start and as it changes', async () => {
    const name = uniqueName('global')
    const yaml = `
name: ${name}
sources:
  ${name}.places: { topic: {}, partitions: 2 }
  ${name}.visits: { topic: {}, partitions: 3 }
streams:
  countries: { from: ${name}.places, to: { table: { name: countries, global: true } } }
  visited:
    from: ${name}.visits
    steps: [{ join: { table: countries, by: record.country, as: country, missing: deadLetter } }]
    to: { topic: { name: ${name}.out, partitions: 1 } }
`
    const member = async () => {
      const broker = await openTestKafka('exactlyOnce')
      onTestFinished(() => broker.close())
      return startPipeline(yaml, catalog, { broker, once: false })
    }
    const rowsOf = async ({ pipeline }: Awaited<ReturnType<typeof member>>) => {
      const { entries } = await pipeline.stores({ store: 'countries', limit: 100 })
      return Object.fromEntries(entries.map(({ key, value }) => [key, (value as { readonly value: unknown }).value]))
    }
    const results = async (broker: Broker) =>
      (await broker.read({ topic: `${name}.out`, partition: 0, offset: 0n }, 1_000)).records.map(({ value }) =>
        String(value),
      )
    const places = (suffix: string) =>
      countries.map((key) => output(`${name}.places`, `${key}${suffix}`, { key: Buffer.from(key) }))
    const visits = (round: number) =>
      countries.flatMap((country) =>
        [0, 1, 2].map((partition) => output(`${name}.visits`, { round, country }, { partition })),
      )
    const expected = (round: number, suffix: string) =>
      countries.flatMap((key) => Array<string>(3).fill(JSON.stringify({ round, country: `${key}${suffix}` })))

    const first = await member()
    await append(first.broker, places('1'))
    await expect.poll(() => rowsOf(first), { timeout: 20_000 }).toMatchObject({ no: 'no1', is: 'is1' })
    const second = await member()
    await expect
      .poll(async () => (await second.pipeline.status()).shares[0]!.tasks.length, { timeout: 20_000 })
      .toBeGreaterThan(0)
    expect(await rowsOf(second)).toMatchObject({ no: 'no1', is: 'is1' })
    await append(first.broker, visits(1))
    await expect.poll(() => results(first.broker), { timeout: 20_000 }).toHaveLength(15)

    await append(first.broker, [...places('2'), output(`${name}.places`, null, { key: Buffer.from('is') })])
    for (const one of [first, second])
      await expect.poll(() => rowsOf(one), { timeout: 20_000 }).toEqual({ no: 'no2', se: 'se2', dk: 'dk2', fi: 'fi2' })
    await append(first.broker, visits(2))
    await expect.poll(() => results(first.broker), { timeout: 20_000 }).toHaveLength(27)
    const found = await results(first.broker)
    expect(found.toSorted()).toEqual(
      [...expected(1, '1'), ...expected(2, '2').filter((text) => !text.includes('is2'))].toSorted(),
    )
    const looking = await openTestKafka('exactlyOnce')
    onTestFinished(() => looking.close())
    expect(await looking.stores(name)).toContainEqual(
      expect.objectContaining({ task: '$global', name: 'countries', entries: 4 }),
    )
  })
})
