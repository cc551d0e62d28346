import { describe, expect, it } from 'vitest'
import { ask, bench, endsOf, mended, type Order } from './workbench.ts'

const orders: readonly Order[] = [
  { key: 'a', value: { price: 1 } },
  { key: 'b', value: { cost: 2, card: '4242' } },
  { key: 'b', value: { cost: 3 } },
  { key: 'c', value: Buffer.from([0xff, 0x00, 0x7b]) },
]

describe('a rehearsal', () => {
  it('tries a group on a config that does not run yet, and with a fix: nothing is changed', async () => {
    const { url, broker, ledger, lines, observe } = await bench({ orders })
    const { url: beside } = await observe(mended)
    const { body: all } = await ask(url, '/api/groups')
    const { fingerprint: group, message } = all.groups.find(({ open }: { open: number }) => open === 2)
    const before = await endsOf(broker)
    const now = await ask(url, '/api/rehearsals', { body: { group, to: 'source' } })
    expect([now.status, now.body]).toMatchObject([200, { pipeline: 'shop', letters: 2, whole: true }])
    expect(now.body.groups).toMatchObject([{ fingerprint: group, letters: 2, passes: 0, sameFault: 2, newFault: 0 }])
    expect(now.body.groups[0].examples).toMatchObject([
      { outcome: 'same fault', failed: { operator: 'priced.filter', message }, outputs: [] },
    ])
    const { body: then } = await ask(beside, '/api/rehearsals', { body: { group } })
    expect(then.revision).not.toBe(now.body.revision)
    expect(then.groups).toMatchObject([
      {
        passes: 2,
        examples: [{ outputs: [{ sink: 'priced.to.topic', value: { text: '{"cost":2,"card":"4242"}' } }] }],
      },
    ])
    const { body: fixed } = await ask(url, '/api/rehearsals', { body: { group, fix: { value: { price: 1 } } } })
    expect(fixed.groups).toMatchObject([{ passes: 2 }])
    expect((await ask(url, '/api/rehearsals', { body: { where: 'hops > 0' } })).body).toMatchObject({ groups: [] })
    expect(await endsOf(broker)).toEqual(before)
    expect(ledger.audit(10).entries).toEqual([])
    expect(lines.map(({ message }) => message).join()).toMatch(/rehearsed 2 letters of shop; nothing was changed/)
  })

  it('tries the first thousand of many letters', async () => {
    const many = Array.from({ length: 1_001 }, (_, at) => ({ key: `k${at}`, value: { cost: 1 } }))
    const { url } = await bench({ orders: many })
    const { body } = await ask(url, '/api/rehearsals', { body: { all: true } })
    expect(body).toMatchObject({ letters: 1_000, whole: false, groups: [{ sameFault: 1_000 }] })
  })

  it('is one at a time, and ends with the server', async () => {
    const { observe } = await bench({ orders })
    const path = new URL('neverAnswers.ts', import.meta.url).pathname
    const { url, close } = await observe(mended.replace(/steps: .*(?=, to:)/, `steps: [{ use: ${path} }]`))
    const both = [1, 2].map(() => ask(url, '/api/rehearsals', { body: { all: true, to: 'source' } }))
    const { status, body } = await Promise.race(both)
    expect([status, body.detail]).toEqual([503, 'Another rehearsal is under way: wait for its end.'])
    await close()
    await Promise.allSettled(both)
  })
})
