import { describe, expect, it } from 'vitest'
import {
  asBrowser,
  ask,
  bench,
  endsOf,
  mended,
  pageAt,
  strict,
  submit,
  tokens,
  until,
  type Order,
} from './workbench.ts'

const hostile = `"><script>alert('1')</script><img src=x onerror=alert(2)>\u202e\u0000`

const orders: readonly Order[] = [
  { key: 'b', value: { cost: 2, price: 'none', card: '4242' } },
  { key: 'c', value: { cost: 3, price: 'none' } },
]

describe('the pages', () => {
  it('lead from dead letters to a letter, and mark the field that the message names', async () => {
    const config = `
name: shop
sources: { orders: { topic: {} } }
streams: { priced: { from: orders, steps: [{ validate: { schema: { type: object, properties: { price: { type: number } } } } }], to: { topic: priced } } }
`
    const { url } = await bench({ orders, config })
    const letters = (await pageAt(url, '/letters')).body
    const [, group] = /href="(\/groups\/[^"]+)"/.exec(letters)!
    const [, letter] = /href="(\/letters\/[^"]+)"/.exec((await pageAt(url, group!.replaceAll('&amp;', '&'))).body)!
    const { body } = await pageAt(url, letter!)
    expect(body).toMatch(/<mark>\s*&quot;price&quot;: &quot;none&quot;/)
    expect(body).toContain('Nobody has said anything of it yet.')
    expect(body).toContain('000000  7b 22')
  })

  it('warn of what a topic will do to its letters, as the API does', async () => {
    const { observe } = await bench({ orders })
    const { url } = await observe(strict.replace('redact: [card]', 'retention: 30d'))
    const warning = expect.stringMatching(/^it keeps letters 7d, the config says 30d/) as string
    expect((await ask(url, '/api/dlq')).body.topics).toMatchObject([{ topic: 'dlq.orders', warnings: [warning] }])
    for (const path of ['/letters', '/groups?topic=dlq.orders'])
      expect((await pageAt(url, path)).body).toContain('<strong>dlq.orders</strong>: it keeps letters 7d')
  })

  it('send a group back by a form, after a forecast, and show how it does', async () => {
    const { url, run, ledger } = await bench({ orders: [{ key: 'a', value: { cost: 1 } }] })
    const { body: groups } = await ask(url, '/api/groups')
    const path = `/groups/${groups.groups[0].fingerprint}`
    await run(mended)
    const forecast = await submit(url, (await pageAt(url, path)).body, '/redrives', {
      to: 'operator',
      rate: '',
      canary: '',
      why: 'mended',
      do: 'forecast',
    })
    expect([forecast.status, forecast.body]).toEqual([200, expect.stringContaining('1 letter would go back.')])
    expect((await ask(url, '/api/audit')).body.entries).toEqual([])
    const started = await submit(url, forecast.body, '/redrives', { do: 'start' })
    expect([started.status, started.to]).toEqual([303, expect.stringMatching(/^\/redrives\/[\w-]+$/)])
    const page = await until(
      () => pageAt(url, started.to),
      ({ body }) => body.includes('1 of 1 have an outcome'),
    )
    expect(page.body).toContain('mended')
    expect(ledger.audit(10).entries.map(({ to }) => to)).toEqual(['resolved', 'redriving'])
    expect((await pageAt(url, path)).body).toContain('There is nothing open')
  })

  it('tell of a redrive whose server ended, and send again what it had left: nothing goes twice', async () => {
    const many = Array.from({ length: 30 }, (_, at) => ({ key: `k${at}`, value: { cost: 1 } }))
    const { url, run, observe, broker, quiet } = await bench({ orders: many })
    await run(mended)
    const beside = await observe(mended)
    const { body: started } = await ask(beside.url, '/api/redrives', { body: { all: true, rate: 10, why: 'slowly' } })
    expect((await pageAt(beside.url, `/redrives/${started.id}`)).body).toContain('ends with it')
    const look = async () => (await ask(beside.url, `/api/redrives/${started.id}`)).body
    await until(look, ({ sent }) => sent > 0)
    await beside.close()

    const list = (await pageAt(url, '/redrives')).body
    expect(list).toMatch(new RegExp(`Started elsewhere.*href="/redrives/${started.id}".*slowly`, 's'))
    const page = (await pageAt(url, `/redrives/${started.id}`)).body
    expect(page).toContain('is open still, and goes when its group or its letters are sent again')
    await ask(url, '/api/redrives', { body: { all: true, why: 'the rest' } })
    const counts = async () => (await ask(url, '/api/dlq')).body.topics[0]
    expect(await until(counts, ({ resolved }) => resolved === 30)).toMatchObject({ open: 0, redriving: 0 })
    await quiet()
    const { records } = await broker.read({ topic: 'priced', partition: 0, offset: 0n }, 100)
    expect(records).toHaveLength(30)
  })

  it('tell of redrives of others, behind whatever number of own ones', async () => {
    const many = Array.from({ length: 51 }, (_, at) => ({ key: `k${at}`, value: { cost: 1 } }))
    const { url, observe, ledger } = await bench({ orders: many })
    const beside = await observe(strict)
    const { body } = await ask(url, '/api/letters?limit=51')
    const sent = async (at: string, id: string) => {
      const order = { letters: [id], to: { topic: 'later' }, why: 'a test' }
      const { body: started } = await ask(at, '/api/redrives', { body: order })
      await until(
        async () => (await ask(at, `/api/redrives/${started.id}`)).body,
        ({ state }) => state === 'done',
      )
      return started.id as string
    }
    const [first, ...others] = body.letters as { readonly id: string }[]
    const theirs = await sent(beside.url, first!.id)
    for (const { id } of others) await sent(url, id)
    expect(ledger.redrives(50).map(({ name }) => name)).not.toContain(theirs)
    const list = (await pageAt(url, '/redrives')).body
    expect(list).toMatch(new RegExp(`Started elsewhere.*href="/redrives/${theirs}"`, 's'))
    expect((await pageAt(url, `/redrives/${theirs}`)).body).toContain('1 of 1 have an outcome')
  })

  it('rehearse a group, and a letter with another value, by a form that needs no reason', async () => {
    const { url, broker } = await bench({ orders: [{ key: 'a', value: { cost: 1 } }] })
    const { body } = await ask(url, '/api/letters')
    const [{ id, group }] = body.letters
    const before = await endsOf(broker)
    const asked = async (path: string, fields: { [name: string]: string }) => {
      const page = (await pageAt(url, path)).body.replaceAll('action="/redrives"', 'action="/rehearsals"')
      return submit(url, page, '/rehearsals', fields)
    }
    const failing = await asked(`/groups/${group}`, { to: 'operator', why: '' })
    expect(failing.status).toBe(200)
    expect(failing.body).toContain('Fails as before')
    expect(failing.body).toMatch(/- &quot;record.price &gt; 0&quot;.*\n\+ priced\.filter, expression\.failed/)
    const passing = await asked(`/letters/${id}`, { valueText: '{"price": 7}', why: '' })
    expect(passing.body).toMatch(/Passes.*priced\.to\.topic.*&quot;price&quot;: 7/s)
    const noToken = await fetch(`${url}/rehearsals`, { method: 'POST', body: new URLSearchParams({ letter: id }) })
    expect(noToken.status).toBe(403)
    expect(await endsOf(broker)).toEqual(before)
  })

  it('discard, open again and produce by a form, and only where it says so', async () => {
    const { url, broker } = await bench({ orders })
    const { body } = await ask(url, '/api/letters')
    const path = `/letters/${body.letters[0].id}`
    const before = await endsOf(broker)
    const page = (await pageAt(url, path)).body
    expect((await submit(url, page, '/discard', { why: 'a test' })).status).toBe(422)
    const noToken = await fetch(`${url}/discard`, {
      method: 'POST',
      body: new URLSearchParams({ letter: body.letters[0].id, why: 'x', sure: 'yes' }),
      headers: asBrowser,
    })
    expect(noToken.status).toBe(403)
    expect(await endsOf(broker)).toEqual(before)
    expect(await submit(url, page, '/discard', { why: 'a test', sure: 'yes' })).toMatchObject({ status: 303, to: path })
    const closed = (await pageAt(url, path)).body
    expect(closed).toMatch(/a test/)
    expect(await submit(url, closed, '/reopen', { why: 'needed' })).toMatchObject({ status: 303, to: path })
    expect((await pageAt(url, path)).body).toMatch(/needed.*action="\/discard"|action="\/discard".*needed/s)

    const topic = (await pageAt(url, '/topics/orders')).body
    expect((await submit(url, topic, '/topics/orders', { key: 'k', value: 'any text' })).status).toBe(303)
    const { records } = await broker.read({ topic: 'orders', partition: 0, offset: 2n }, 5)
    expect(records.map(({ key, value }) => `${key} ${value}`)).toEqual(['k any text'])
    expect((await pageAt(url, '/topics/dlq.orders')).body).not.toContain('Produce')
  })

  it('offer who may only look nothing to do', async () => {
    const { url } = await bench({ orders, tokens: true })
    const as = { authorization: `Bearer ${tokens.vera}` }
    const { body } = await ask(url, '/api/letters', { as: 'vera' })
    const { body: page } = await pageAt(url, `/letters/${body.letters[0].id}`, as)
    expect(page).toContain('need the role operate')
    expect(page).not.toMatch(/<form(?! class="who")|4242/)
    expect((await pageAt(url, '/topics/orders', as)).body).not.toContain('<textarea')
  })

  it('show what comes from outside as text, wherever it stands', async () => {
    const config = `
name: shop
sources: { orders: { topic: {} } }
streams: { priced: { from: orders, steps: [{ use: ${new URL('hostile.ts', import.meta.url).pathname} }], to: { topic: priced } } }
`
    const nested = '['.repeat(3_000) + ']'.repeat(3_000)
    const { url, run } = await bench({
      config,
      orders: [
        {
          key: hostile,
          value: { [hostile]: hostile, price: 1 },
          headers: [[hostile.replaceAll('\u0000', ''), Buffer.from(hostile)]],
        },
        { key: Buffer.from([0xc3, 0x28]), value: nested },
      ],
    })
    const { body } = await ask(url, '/api/letters')
    expect(body.letters).toHaveLength(2)
    await ask(url, '/api/discard', { body: { letters: [body.letters[1].id], why: hostile.replaceAll('\u0000', '') } })
    const paths = [
      ...[
        '/',
        '/letters',
        '/groups',
        '/redrives',
        '/topics',
        '/topics/orders',
        '/topics/dlq.orders',
        '/tables',
        '/alerts',
        '/audit',
      ],
      ...body.letters.flatMap(({ id, group }: { id: string; group: string }) => [`/letters/${id}`, `/groups/${group}`]),
      `/topics/${encodeURIComponent(hostile)}`,
      `/groups?topic=${encodeURIComponent(hostile)}`,
      `/letters/${encodeURIComponent(hostile)}`,
      `/${encodeURIComponent(hostile)}`,
    ]
    for (const path of paths) {
      const { status, body: page, headers } = await pageAt(url, path)
      expect([200, 404], path).toContain(status)
      expect(page, path).not.toMatch(
        /<script(?! type="module" src="\/browser\/script\.js"><\/script>)|<img|\u202e|\u0000|<[^>]* on\w+=/,
      )
      expect(headers.get('content-security-policy'), path).toContain("default-src 'none'")
    }
    await run(config)
  })
})
