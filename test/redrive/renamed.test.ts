import { expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { Ledger } from '../../src/deadletter/ledger/ledger.ts'
import type { Letter } from '../../src/deadletter/readLetter.ts'
import { filter } from '../../src/operators/filter.ts'
import { set } from '../../src/operators/set.ts'
import { chosenLetters, type Choice } from '../../src/redrive/choose.ts'
import { reopenLetters } from '../../src/redrive/reopen.ts'
import type { Plan } from '../../src/topology/plan.ts'
import { catalogWith, output, startPipeline, valuesOf } from '../support/pipeline.ts'
import { sendBack, standingsOf } from '../support/redrive.ts'

const catalog = catalogWith({ operators: [filter, set] })

const config = (name: string, condition: string) => `
name: ${name}
sources: { orders: { topic: {} } }
streams: { one: { from: orders, steps: [{ set: { seen: true } }, { filter: ${condition} }], to: { topic: out } } }`

async function chosen(broker: Broker, plan: Plan, choice: Choice) {
  const [letters, others] = [[] as Letter[], [] as string[]]
  const parts = { broker, plan, ledger: new Ledger(broker) }
  for await (const letter of chosenLetters(parts, choice, ({ pipeline }) => others.push(pipeline))) letters.push(letter)
  return { letters, others }
}

/** A pipeline writes two letters, and is called otherwise afterwards. */
async function renamed() {
  const before = [output('orders', { n: 1 }), output('orders', { n: 2 })]
  const { broker, pipeline } = await startPipeline(config('old', 'record.price > 0'), catalog, { before })
  await pipeline.quiet()
  await pipeline.stop()
  const running = await startPipeline(config('new', 'record.n > 0'), catalog, { broker, once: false })
  await running.pipeline.quiet()
  return running
}

it("letters of another pipeline on the same topic are left alone, and told of: they are not this one's to send", async () => {
  const { broker, plan } = await renamed()
  expect(await chosen(broker, plan, {})).toEqual({ letters: [], others: ['old', 'old'] })
  const { letters } = await chosen(broker, plan, { formerly: 'old' })
  expect(letters.map(({ pipeline }) => pipeline)).toEqual(['old', 'old'])
  const group = letters[0]!.fingerprint
  expect((await chosen(broker, plan, { group })).others).toEqual(['old', 'old'])
  expect((await chosen(broker, plan, { ids: [letters[1]!.id] })).letters).toEqual([letters[1]])
})

it.each(['operator', 'source'] as const)(
  'letters that a pipeline wrote under another name go back to the %s, and are counted as read under the new one',
  async (to) => {
    const { broker, plan, pipeline } = await renamed()
    const { letters } = await chosen(broker, plan, { formerly: 'old' })
    expect(await sendBack(broker, plan, letters, { to })).toEqual({ sent: 2, refused: 0 })
    await pipeline.quiet()
    expect(await pipeline.conservation()).toMatchObject([{ read: 4, emitted: 4, dead: 0, inFlight: 0 }])
    expect(await valuesOf(broker, 'out')).toHaveLength(4)
    expect([...(await standingsOf(broker, 'dlq.orders')).values()]).toEqual(['resolved', 'resolved'])

    const reopened = (choice: Choice) =>
      reopenLetters({
        ...{ plan, broker, ledger: new Ledger(broker), choice, dispositions: ['resolved'] },
        ...{ now: Date.now, by: 'ann', why: '' },
      })
    expect(await reopened({})).toBe(0)
    await expect(reopened({ formerly: 'old', topic: 'dlq.clicks' })).rejects.toThrow('there is no topic dlq.clicks')
    expect(await reopened({ formerly: 'old' })).toBe(2)
  },
)
