import { expect, it } from 'vitest'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import { RecordedFault } from '../../src/record/fault.ts'
import { fail } from '../../src/record/outcome.ts'
import { discardLetters } from '../../src/redrive/discard.ts'
import { findPrefixes, purge, type PurgeOptions } from '../../src/redrive/purge.ts'
import { reopenLetters } from '../../src/redrive/reopen.ts'
import { append, catalogWith, operator, output, startPipeline } from '../support/pipeline.ts'
import { entriesOf, lettersOf } from '../support/redrive.ts'

const yaml = `
name: p
sources: { in: { topic: {} } }
streams:
  one: { from: in, steps: [{ gate: {} }], to: { topic: out } }`
const gate = operator('gate', () => (record) => fail(record, new RecordedFault('record.useless', 'Of no use.')))
const said = { now: Date.now, by: 'ann', why: 'done with' }

/** A pipeline with a letter for each number, each in a batch of its own. */
async function withLetters(count: number) {
  const running = await startPipeline(yaml, catalogWith({ operators: [gate] }), { once: false })
  const { broker, plan, pipeline } = running
  for (let n = 0; n < count; n++) {
    await append(broker, [output('in', { n }, { key: Buffer.from(`k${n}`) })])
    await pipeline.quiet()
  }
  const letters = await lettersOf(broker)
  expect(letters).toHaveLength(count)
  const discard = async (...numbers: number[]) => {
    const chosen = (async function* () {
      yield* numbers.map((n) => letters[n]!)
    })()
    await discardLetters(chosen, { plan, broker, ...said, why: 'of no use' })
  }
  const ledger = new Ledger(broker)
  const options: PurgeOptions = {
    ...{ plan, broker, ledger, topics: ['dlq.in'], choice: {}, dispositions: ['resolved', 'discarded'] },
  }
  return { broker, letters, discard, ledger, options }
}

it('deletes what is done with up to the first letter that is not, and says why that stays', async () => {
  const { broker, letters, discard, ledger, options } = await withLetters(4)
  await discard(0, 1, 3)
  const found = await findPrefixes(options)
  expect(found).toEqual([
    {
      ...{ topic: 'dlq.in', partition: 0, from: 0n, until: 2n, end: 4n, letters: 2, open: 0 },
      stays: `letter ${letters[2]!.id} is open`,
    },
  ])
  expect(await lettersOf(broker)).toHaveLength(4)
  expect([...(await purge(found, options, said)).values()]).toEqual([2n])
  expect((await lettersOf(broker)).map(({ id }) => id)).toEqual(letters.slice(2).map(({ id }) => id))
  const why = (await entriesOf(broker)).map((entry) => ('letter' in entry ? [entry.letter, entry.to, entry.why] : []))
  expect(why.slice(-2)).toEqual([0, 1].map((n) => [letters[n]!.id, 'discarded', 'purged: done with']))
  expect(await ledger.counts(['dlq.in'], Date.now())).toMatchObject([{ open: 1, discarded: 1, expired: 0 }])
})

it('deletes open letters only when asked, and none counts as expired', async () => {
  const { broker, discard, ledger, options } = await withLetters(3)
  await discard(1)
  expect(await findPrefixes(options)).toMatchObject([{ until: 0n, letters: 0 }])
  const all: PurgeOptions = { ...options, dispositions: [...options.dispositions, 'open'] }
  const found = await findPrefixes(all)
  expect(found).toMatchObject([{ until: 3n, letters: 3, open: 2 }])
  expect(found[0]!.stays).toBeUndefined()
  await purge(found, all, said)
  expect(await lettersOf(broker)).toEqual([])
  expect((await entriesOf(broker)).map((entry) => entry.to)).toEqual(Array(4).fill('discarded'))
  expect(await ledger.counts(['dlq.in'], Date.now())).toMatchObject([{ open: 0, expired: 0, retained: 0 }])
})

it('says of letters that were opened again what became of them, as they stand now', async () => {
  const { broker, letters, discard, ledger, options } = await withLetters(2)
  await discard(0, 1)
  await reopenLetters({ ...options, ...said, dispositions: ['discarded'] })
  expect(await ledger.counts(['dlq.in'], Date.now())).toMatchObject([{ open: 2 }])
  const open = { ...options, dispositions: [...options.dispositions, 'open'] } as const
  await purge(await findPrefixes(open), open, said)
  expect((await entriesOf(broker)).slice(-2)).toMatchObject(
    letters.map(({ id }) => ({ letter: id, to: 'discarded', reopened: 1 })),
  )
  expect(await ledger.counts(['dlq.in'], Date.now())).toMatchObject([{ open: 0, expired: 0, retained: 0 }])
})

it('deletes nothing where a letter was opened again since it was looked at what can go', async () => {
  const { broker, letters, discard, ledger, options } = await withLetters(2)
  await discard(0, 1)
  const found = await findPrefixes(options)
  expect(found).toMatchObject([{ until: 2n, letters: 2 }])
  const other = new Ledger(broker)
  const choice = { ids: [letters[1]!.id] }
  await reopenLetters({ ...options, ...said, ledger: other, choice, dispositions: ['discarded'] })
  await other.close()
  await expect(purge(found, options, said)).rejects.toThrow(`meanwhile letter ${letters[1]!.id} is open`)
  expect(await lettersOf(broker)).toHaveLength(2)
  expect(await ledger.counts(['dlq.in'], Date.now())).toMatchObject([{ open: 1, discarded: 1 }])
})

it('keeps what was not chosen, failed later, or is no letter', async () => {
  const { broker, letters, discard, options } = await withLetters(3)
  await discard(0, 1, 2)
  const stays = async (more: Partial<PurgeOptions>) => (await findPrefixes({ ...options, ...more }))[0]
  const [one, two] = letters
  expect(await stays({ choice: { key: 'k0' } })).toMatchObject({ letters: 1, stays: `letter ${two!.id} is not chosen` })
  expect(await stays({ choice: { ids: [two!.id] } })).toMatchObject({
    letters: 0,
    stays: `letter ${one!.id} is not chosen`,
  })
  expect(await stays({ before: one!.failedAt })).toMatchObject({ letters: 0, stays: `letter ${one!.id} failed later` })
  await append(broker, [output('dlq.in', 'somebody else')])
  expect(await stays({})).toMatchObject({ letters: 3, until: 3n, stays: 'it is no letter' })
})
