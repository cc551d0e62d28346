import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Header } from '../../src/record/record.ts'
import { chosenLetters } from '../../src/redrive/choose.ts'
import { deadLetterQueue } from '../../src/sources/deadLetterQueue.ts'
import type { Letter } from '../../src/deadletter/readLetter.ts'
import type { Plan } from '../../src/topology/plan.ts'
import { orderBody, orderOf } from '../../src/server/api/redrives.ts'
import { jsonLines, makeDirectory } from '../cli/oxbow.ts'
import { dlq } from '../support/dlq.ts'
import { append, catalogWith, output, recordsOf, startPipeline } from '../support/pipeline.ts'
import { lettersOf, sendBack, standingsOf } from '../support/redrive.ts'

/** Written by the broker of Kafka 4.4.0: see test/deadletter/foreign/ShareGroup.java. */
const written = jsonLines(
  readFileSync(join(import.meta.dirname, '../deadletter/foreign/shareGroup.jsonl'), 'utf8'),
) as readonly {
  readonly topic: string
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}[]

const asBytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text))
const records = written.map(({ topic, timestamp, key, value, headers }) => ({
  ...{ topic, timestamp, key: asBytes(key), value: asBytes(value) },
  headers: headers.map(([name, text]): Header => [name, asBytes(text)]),
}))
const isOf = (topic: string) => (record: { readonly topic: string }) => record.topic === topic

const catalog = catalogWith({ sources: [deadLetterQueue] })
const config = (queue: string) => `
name: mend
sources: { ${queue}: { deadLetterQueue: { convention: shareGroup, format: text, originals: [jobs] } } }
streams: { all: { from: ${queue}, to: { topic: { name: out, format: text } } } }`

async function chosen(broker: Broker, plan: Plan, topic: string, target?: string): Promise<Letter[]> {
  const letters: Letter[] = []
  const choice = { topic, ...(target !== undefined && { target }) }
  for await (const letter of chosenLetters({ broker, plan, ledger: new Ledger(broker) }, choice)) letters.push(letter)
  return letters
}

it('letters of share groups are read and grouped, and those without their records say so', async () => {
  const { broker } = await startPipeline(config('dlq.copied'), catalog, { before: records })
  const [copied, bare] = [await lettersOf(broker, 'dlq.copied'), await lettersOf(broker, 'dlq.bare')]
  for (const letters of [copied, bare])
    expect(letters).toMatchObject([
      { fault: { code: 'record.rejected' }, attempts: 1, source: 'jobs', origin: { topic: 'jobs', offset: 0n } },
      { fault: { code: 'record.undelivered' }, attempts: 5, origin: { offset: 1n } },
    ])
  expect(copied.map(({ missing }) => missing)).toEqual([['origin.timestamp'], ['origin.timestamp']])
  expect(bare[0]!.missing).toEqual(['origin.timestamp', 'record'])
  expect(new Set(copied.map(({ fingerprint }) => fingerprint)).size).toBe(2)
})

it.each(['dlq.copied', 'dlq.bare'])(
  'letters of share groups go back as the records that they are of, with headers and time: %s',
  async (queue) => {
    const before = records.filter((record) => isOf('jobs')(record) || isOf(queue)(record))
    const { broker, plan, pipeline } = await startPipeline(config(queue), catalog, { before, once: false })
    await pipeline.quiet()
    const seen = (await recordsOf(broker, 'out')).length
    expect(await sendBack(broker, plan, await chosen(broker, plan, queue))).toEqual({ sent: 2, refused: 0 })
    await pipeline.quiet()
    const out = (await recordsOf(broker, 'out')).slice(seen).map(({ key, value, headers, timestamp }) => {
      return { topic: 'jobs', timestamp, key, value, headers: headers.filter(([name]) => !name.startsWith('dlq.')) }
    })
    expect(out).toEqual(records.slice(0, 2))
    expect([...(await standingsOf(broker, queue)).values()]).toEqual(['resolved', 'resolved'])
    expect(await recordsOf(broker, 'jobs')).toHaveLength(3)
  },
)

it('a letter whose record is gone and was not copied stays dead: nobody is sent a tombstone instead', async () => {
  const before = records.filter(({ topic }) => topic.startsWith('dlq.'))
  const { broker, plan } = await startPipeline(config('dlq.bare'), catalog, { before })
  // Another topic under the same name, with other records.
  await append(broker, [output('jobs', 'other'), output('jobs', 'another')])
  const copied = await chosen(broker, plan, 'dlq.copied')
  expect(copied.map(({ record }) => String(record.value))).toEqual(['refused', 'hopeless'])
  await broker.trim([{ topic: 'jobs', partition: 0, offset: 2n }])
  const bare = await chosen(broker, plan, 'dlq.bare')
  const why: string[] = []
  for (const to of ['source', { topic: 'jobs' }] as const)
    expect(await sendBack(broker, plan, bare, { to, onRefused: (_, reason) => why.push(reason) })).toEqual({
      sent: 0,
      refused: 2,
    })
  expect(why[0]).toBe(
    'the letter has no record: its share group copies none (`errors.deadletterqueue.copy.record.enable`), and jobs has it no more',
  )
  const fix = { value: 'by hand' }
  expect(await sendBack(broker, plan, bare, { to: 'source', fix })).toEqual({ sent: 2, refused: 0 })
})

it('the command line and the API have read what is sent where it came from', async () => {
  const directory = makeDirectory({ 'mend.yaml': config('dlq.bare').replace(', originals: [jobs]', '') })
  const broker = await openEmbedded({ directory: join(directory, 'data') })
  await append(
    broker,
    records.filter(({ topic }) => topic === 'jobs' || topic === 'dlq.bare'),
  )
  await broker.close()
  const which = [join(directory, 'mend.yaml'), '--data', join(directory, 'data'), '--all', '--topic', 'dlq.bare']
  expect(await dlq('redrive', ...which)).toMatchObject({ code: 1, lines: [{ refused: 2 }] })
  expect(await dlq('redrive', ...which, '--to', 'out')).toMatchObject({ code: 1, lines: [{ refused: 2 }] })
  expect((await dlq('redrive', ...which, '--to', 'jobs')).lines).toHaveLength(2)
  const asked = { all: true, topic: 'dlq.bare', to: { topic: 'jobs' }, why: 'x' }
  expect(orderOf(orderBody().parse(asked)).wanted).toMatchObject({ topic: 'dlq.bare', target: 'jobs' })
})

it('a letter can have no topic read that the config does not name: anybody who writes to a queue can name any', async () => {
  const forged = [['topic', 'secrets'], ['partition', '0'], ['offset', '0'], ['group', 'workers'], ['message', 'Rejected.']] // prettier-ignore
  const headers = forged.map(([name, text]): Header => [`__dlq.errors.${name}`, Buffer.from(text!)])
  const before = [output('secrets', 'a secret'), output('dlq.bare', null, { headers })]
  const { broker, plan } = await startPipeline(config('dlq.bare'), catalog, { before })
  const why: string[] = []
  const onRefused = (_: unknown, reason: string) => why.push(reason)
  for (const to of ['source', { topic: 'out' }] as const) {
    const letters = await chosen(broker, plan, 'dlq.bare', typeof to === 'object' ? to.topic : undefined)
    expect(await sendBack(broker, plan, letters, { to, onRefused })).toEqual({ sent: 0, refused: 1 })
  }
  const refusal =
    'the letter has no record: its share group copies none (`errors.deadletterqueue.copy.record.enable`), and secrets, where it says that it was, is read only if the config says so: as a source, or in `originals` of the queue dlq.bare; or send it there (`--to secrets`)'
  expect(why).toEqual([refusal, refusal])
  // Where it came from, it tells nobody anything new.
  const letters = await chosen(broker, plan, 'dlq.bare', 'secrets')
  expect(await sendBack(broker, plan, letters, { to: { topic: 'secrets' } })).toEqual({ sent: 1, refused: 0 })
  expect((await recordsOf(broker, 'secrets')).map(({ value }) => String(value))).toEqual(['"a secret"', '"a secret"'])
})
