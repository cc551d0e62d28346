import { describe, expect, it } from 'vitest'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { ask, bench, endsOf, mended, until, type Order } from './workbench.ts'

const orders: readonly Order[] = [
  { key: 'a', value: { price: 1 } },
  { key: 'b', value: { cost: 2, card: '4242' } },
  { key: 'b', value: { cost: 3 } },
  {
    key: Buffer.from([0xff]),
    value: Buffer.from([0xff, 0x00, 0x7b]),
    headers: [
      ['trace', Buffer.from('t1')],
      ['trace', null],
    ],
  },
]

describe('the API', () => {
  it('counts letters, shows their groups, pages, and each of them', async () => {
    const { url } = await bench({ orders })
    const { body: dlq } = await ask(url, '/api/dlq')
    expect(dlq.topics).toMatchObject([
      { topic: 'dlq.orders', source: 'orders', pipeline: 'shop', open: 3, retained: 3 },
    ])

    const { body: all } = await ask(url, '/api/groups?topic=dlq.orders')
    expect(all.groups.map((group: { open: number }) => group.open).toSorted()).toEqual([1, 2])
    expect((await ask(url, '/api/groups?state=muted')).body.groups).toEqual([])
    const [priced] = all.groups.filter((group: { open: number }) => group.open === 2)
    const { body: group } = await ask(url, `/api/groups/${priced.fingerprint}`)
    expect(group.affected).toMatchObject({
      letters: 2,
      keys: [{ key: { text: 'b' }, letters: 2 }],
      sources: [{ name: 'orders' }],
    })
    expect(group.trend.at(-1)).toBe(2)

    const { body: first } = await ask(url, `/api/letters?group=${priced.fingerprint}&limit=1`)
    const { body: second } = await ask(url, `/api/letters?group=${priced.fingerprint}&limit=1&after=${first.next}`)
    expect([first.letters.length, second.letters.length, second.next]).toEqual([1, 1, null])
    expect(first.letters[0].id).not.toBe(second.letters[0].id)
    expect((await ask(url, '/api/letters?key=b&disposition=open')).body.letters).toHaveLength(2)

    const { body: letter } = await ask(url, `/api/letters/${group.example}`)
    expect(letter).toMatchObject({
      operator: 'priced.filter',
      disposition: 'open',
      history: [],
      origin: { topic: 'orders' },
    })
    expect(Buffer.from(letter.hex, 'hex').toString()).toBe(letter.value.text)
  })

  it('shows bytes that are no text, and headers in their order', async () => {
    const { url } = await bench({ orders })
    const { body } = await ask(url, '/api/letters')
    const bytes = body.letters.find(({ key }: { key: { base64?: string } }) => key.base64 !== undefined)
    const { body: letter } = await ask(url, `/api/letters/${bytes.id}`)
    expect(letter.value).toEqual({ size: 3, base64: '/wB7' })
    expect(letter.headers).toEqual([
      ['trace', { size: 2, text: 't1' }],
      ['trace', null],
    ])
  })

  it('redrives a group to a mended config: resolved, and the ledger says by whom and why', async () => {
    const { url, run, ledger, lines } = await bench({ orders })
    const { body: all } = await ask(url, '/api/groups')
    const group = all.groups.find(({ open }: { open: number }) => open === 2).fingerprint
    await run(mended)
    const body = { group, why: 'cost is price', canary: 1 }
    expect((await ask(url, '/api/redrives/forecast', { body })).body).toEqual({ sent: 2, refused: [] })
    const { status, body: started } = await ask(url, '/api/redrives', { body })
    expect([status, started.state, started.pipeline]).toEqual([202, 'running', 'shop'])
    const done = await until(
      () => ask(url, `/api/redrives/${started.id}`),
      ({ body: now }) => now.resolved === 2,
    )
    expect(done.body).toMatchObject({
      state: 'done',
      sent: 2,
      returned: 0,
      refused: [],
      canary: { sent: 1, passed: 1 },
    })
    expect((await ask(url, '/api/dlq')).body.topics[0]).toMatchObject({ open: 1, resolved: 2 })
    const { body: audit } = await ask(url, '/api/audit?limit=200')
    const sent = audit.entries.filter(({ to }: { to: string }) => to === 'redriving')
    expect(sent).toMatchObject([{ why: 'cost is price', redrive: started.id }, { redrive: started.id }])
    expect(ledger.history(sent[0].letter).map(({ to }) => to)).toEqual(['redriving', 'resolved'])
    expect(lines.map(({ message }) => message).join()).toContain(
      `started the redrive ${started.id}: the group ${group}`,
    )
  })

  it('streams how a redrive does, until nothing more is to become of it', async () => {
    const { url, run } = await bench({ orders: orders.slice(1, 2) })
    await run(mended)
    const { body: started } = await ask(url, '/api/redrives', { body: { all: true, why: 'mended' } })
    const { text, type } = await ask(url, `/api/redrives/${started.id}/live`)
    expect(type).toBe('text/event-stream')
    expect(JSON.parse(text.trim().split('data: ').at(-1)!)).toMatchObject({ state: 'done', sent: 1, resolved: 1 })
  })

  it('pauses a redrive, has it go on, and stops it: what was not sent is open still', async () => {
    const many = Array.from({ length: 30 }, (_, at) => ({ key: `k${at}`, value: { cost: 1 } }))
    const { url, run } = await bench({ orders: many })
    await run(mended)
    const { body: started } = await ask(url, '/api/redrives', { body: { all: true, rate: 10, why: 'slowly' } })
    const act = async (action: string) => (await ask(url, `/api/redrives/${started.id}/${action}`, { body: {} })).body
    const look = async () => (await ask(url, `/api/redrives/${started.id}`)).body
    await until(look, ({ sent }) => sent > 0)
    expect((await act('pause')).state).toBe('paused')
    expect((await ask(url, `/api/redrives/${started.id}/pause`, { body: {} })).status).toBe(409)
    const { sent } = await look()
    expect((await act('resume')).state).toBe('running')
    await until(look, (now) => now.sent > sent)
    expect((await act('stop')).state).toBe('stopped')
    const { body } = await ask(url, '/api/dlq')
    const { open, redriving, resolved } = body.topics[0]
    expect(open).toBeGreaterThan(0)
    expect(open + redriving + resolved).toBe(30)
    expect((await ask(url, `/api/redrives/${started.id}/resume`, { body: {} })).status).toBe(409)
  })

  it('sends one letter back with another value', async () => {
    const { url, broker } = await bench({ orders: orders.slice(1, 2) })
    const { body } = await ask(url, '/api/letters')
    const { id } = body.letters[0]
    const { status, text } = await ask(url, '/api/redrives', {
      body: { letters: [id], to: 'source', fix: { value: { price: 9 } }, why: 'price it' },
    })
    expect(status, text).toBe(202)
    await until(
      () => ask(url, `/api/letters/${id}`),
      ({ body: now }) => now.disposition === 'resolved',
    )
    const { records } = await broker.read({ topic: 'priced', partition: 0, offset: 0n }, 10)
    expect(records.map(({ value }) => value!.toString())).toEqual(['{"price":9}'])
  })

  it('discards letters, and says who and why', async () => {
    const { url } = await bench({ orders })
    const { body } = await ask(url, '/api/discard', { body: { all: true, why: 'a test' } })
    expect(body).toEqual({ discarded: 3 })
    expect((await ask(url, '/api/dlq')).body.topics[0]).toMatchObject({ open: 0, discarded: 3 })
    expect((await ask(url, '/api/audit')).body.entries).toMatchObject([{ to: 'discarded', why: 'a test' }, {}, {}])
  })

  it('opens letters again that were discarded, and only those', async () => {
    const { url } = await bench({ orders })
    const { body } = await ask(url, '/api/letters')
    const [{ id }] = body.letters
    await ask(url, '/api/discard', { body: { letters: [id], why: 'a test' } })
    expect((await ask(url, '/api/reopen', { body: { all: true, why: 'needed' } })).body).toEqual({ reopened: 1 })
    expect((await ask(url, '/api/dlq')).body.topics[0]).toMatchObject({ open: 3, discarded: 0 })
    expect((await ask(url, `/api/letters/${id}`)).body).toMatchObject({
      disposition: 'open',
      history: [{ to: 'discarded' }, { to: 'open', why: 'needed' }],
    })
    const again = await ask(url, '/api/reopen', { body: { letters: [id], why: 'needed' } })
    expect([again.status, again.body.detail]).toEqual([
      409,
      `Only what is resolved or discarded can be opened: ${id} is open; nothing was done.`,
    ])
  })

  it('mutes a group, and has it be heard again', async () => {
    const { url, lines } = await bench({ orders })
    const { fingerprint } = (await ask(url, '/api/groups')).body.groups[0]
    const act = (action: string) => ask(url, `/api/groups/${fingerprint}/${action}`, { body: { why: 'known' } })
    expect((await act('mute')).body.state).toBe('muted')
    expect((await ask(url, '/api/groups?state=muted')).body.groups).toHaveLength(1)
    expect((await act('unmute')).body.state).toBe('new')
    const { body: audit } = await ask(url, '/api/audit?limit=1')
    const { body: before } = await ask(url, `/api/audit?after=${audit.next}`)
    expect([...audit.entries, ...before.entries]).toMatchObject([
      { group: fingerprint, topic: 'dlq.orders', to: 'unmuted', into: null, why: 'known' },
      { group: fingerprint, to: 'muted' },
    ])
    const page = await ask(url, '/audit', { headers: { accept: 'text/html' } })
    expect(page.text).toContain(`group <a href="/groups/${fingerprint}?topic=dlq.orders">`)
    expect(lines.map(({ message }) => message).join()).toContain(`muted the group ${fingerprint}: known.`)
  })

  it('shows topics and their records, takes records, and tells those that come', async () => {
    const { url, quiet } = await bench({ orders })
    const { body } = await ask(url, '/api/topics')
    const roles = new Map(body.topics.map(({ name, role }: { name: string; role: string }) => [name, role]))
    expect(roles.get('orders')).toBe('source')
    expect(roles.get('dlq.orders')).toBe('deadLetters')
    expect(roles.get('priced')).toBe('output')
    expect((await ask(url, '/api/topics/orders/records?limit=1')).body.records).toMatchObject([{ offset: 3 }])
    const page = (await ask(url, '/api/topics/orders/records?partition=0&from=1&limit=2')).body
    expect(page.records.map(({ offset }: { offset: number }) => offset)).toEqual([1, 2])
    expect(page.next).toEqual({ partition: 0, from: 3 })

    const gone = new AbortController()
    const live = await fetch(`${url}/api/topics/orders/records/live`, { signal: gone.signal })
    const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader()
    await reader.read()
    const written = { key: 'z', value: { price: 5 }, headers: [['by', 'hand']] }
    expect((await ask(url, '/api/topics/orders/records', { body: written })).status).toBe(201)
    const { value } = await reader.read()
    expect(JSON.parse(value!.slice('data: '.length))).toMatchObject({
      offset: 4,
      key: { text: 'z' },
      value: { text: '{"price":5}' },
    })
    gone.abort()
    await quiet()
    expect((await ask(url, '/api/topics/priced/records')).body.records).toHaveLength(2)
  })

  it('shows the topology with what passed, and alerts', async () => {
    const { url } = await bench({ orders })
    const { body } = await ask(url, '/api/topology')
    const nodes = new Map(body.pipelines[0].nodes.map((node: { id: string }) => [node.id, node]))
    expect(nodes.get('priced.filter')).toMatchObject({
      kind: 'operator',
      received: 3,
      emitted: 1,
      dead: 2,
      from: ['orders'],
    })
    expect((await ask(url, '/api/alerts')).body).toEqual({ alerts: [] })
  })
})

describe('the description of the API', () => {
  it('has every path that answers, and answers are as it says', async () => {
    const { url } = await bench({ orders })
    const { body: description } = await ask(url, '/api/openapi.json')
    expect(description.openapi).toBe('3.1.0')
    const { body: groups } = await ask(url, '/api/groups')
    const { body: letters } = await ask(url, '/api/letters')
    const { body: started } = await ask(url, '/api/redrives', { body: { letters: [letters.letters[0].id], why: 'x' } })
    const examples: { readonly [name: string]: string } = {
      fingerprint: groups.groups[0].fingerprint,
      id: letters.letters[0].id,
      name: 'orders',
    }
    const bodies: { readonly [path: string]: object } = {
      '/api/groups/{fingerprint}/mute': { why: 'x' },
      '/api/groups/{fingerprint}/unmute': { why: 'x' },
      '/api/discard': { all: true, why: 'x' },
      '/api/reopen': { all: true, why: 'x' },
      '/api/redrives': { all: true, why: 'x' },
      '/api/redrives/forecast': { all: true, why: 'x' },
      '/api/rehearsals': { all: true },
      '/api/topics/{name}/records': { valueText: 'x' },
    }
    const ajv = new Ajv2020({ strict: false })
    for (const [path, methods] of Object.entries<object>(description.paths)) {
      for (const [method, told] of Object.entries<{ responses: { [status: string]: { content: object } } }>(
        methods as never,
      )) {
        const real = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
          path.includes('/redrives/') ? started.id : examples[name]!,
        )
        if (path.endsWith('/live')) continue
        const { status, body, text } = await ask(url, real, method === 'post' ? { body: bodies[path] ?? {} } : {})
        const place = `${method} ${real}: ${text}`
        const ends = /\/(pause|resume|stop)$/.test(path)
        expect(ends ? [200, 409] : [Number(Object.keys(told.responses)[0])], place).toContain(status)
        const [response] = Object.values(told.responses)
        const [{ schema }] = Object.values(response!.content) as [{ schema: object }]
        if (status < 400) expect(ajv.validate(schema, body), `${place} ${ajv.errorsText()}`).toBe(true)
      }
    }
  })
})

describe('a request that is wrong', () => {
  it.each([
    ['/api/nothing', 404, 'There is no /api/nothing here.'],
    ['/api/groups?topic=dlq.none', 404, 'There is no dead-letter topic dlq.none; there is dlq.orders.'],
    ['/api/groups/none', 404, 'There is no group none.'],
    ['/api/letters/0f5e2b4c9d8a7f6e5d4c3b2a19080706', 404, 'There is no letter'],
    ['/api/letters?limit=201', 400, '"limit" after the ?'],
    ['/api/letters?limit=one', 400, 'expected a whole number from 1 to 200'],
    ['/api/letters?limit=1&limit=2', 400, '"limit" is said twice.'],
    ['/api/letters?after=x', 400, 'expected what an answer called "next"'],
    ['/api/letters?colour=red', 400, 'colour'],
    ['/api/letters?key=%ff', 400, 'not UTF-8'],
    ['/api/letters/%c3%28', 400, 'not UTF-8'],
    ['/api/topics/none/records', 404, 'There is no topic none.'],
    ['/api/topics/orders/records?from=0&partition=7', 404, 'orders has no partition 7'],
    ['/api/redrives/none', 404, 'There is no redrive none.'],
  ])('%s is answered with %i', async (path, status, detail) => {
    const { url } = await bench()
    const answer = await ask(url, path)
    expect(answer.type).toBe('application/problem+json')
    expect(answer.body).toMatchObject({ type: 'about:blank', status })
    expect(answer.status).toBe(status)
    expect(answer.body.detail).toContain(detail)
  })

  it.each([
    ['/api/redrives', { why: 'x' }, 422, 'say which letters'],
    ['/api/redrives', { all: true }, 422, '"why" in the body: say why'],
    ['/api/redrives', { all: true, group: 'x', why: 'x' }, 422, 'say which letters'],
    ['/api/redrives', { all: true, why: 'two\nlines' }, 422, 'one line'],
    ['/api/redrives', { where: 'fault.', why: 'x' }, 422, 'where'],
    ['/api/redrives', { letters: ['none'], why: 'x' }, 404, 'There is no letter none'],
    ['/api/redrives', { all: true, pipeline: 'other', why: 'x' }, 409, 'is not known here, only shop'],
    ['/api/redrives', { all: true, to: { topic: 'priced' }, canary: 1, why: 'x' }, 422, 'leave out'],
    ['/api/rehearsals', {}, 422, 'say which letters'],
    ['/api/rehearsals', { all: true, to: { topic: 'priced' } }, 422, '"to" in the body'],
    ['/api/rehearsals', { all: true, config: 'name: shop' }, 422, 'config'],
    ['/api/rehearsals', { letters: ['none'] }, 404, 'There is no letter none'],
    ['/api/discard', { letters: [], why: 'x' }, 422, 'letters'],
    ['/api/topics/dlq.orders/records', { valueText: 'x' }, 403, 'written by pipelines alone'],
    ['/api/topics/dlq.orders-ledger/records', { valueText: 'x' }, 403, 'written by pipelines alone'],
    ['/api/topics/orders/records', { value: 1, valueText: 'x' }, 422, 'expected one of'],
    ['/api/topics/orders/records', { valueText: 'x', partition: 4 }, 422, 'no partition 4'],
    ['/api/topics/orders/records', { valueText: '\ud800' }, 422, 'half of a character'],
    ['/api/topics/none/records', { valueText: 'x' }, 404, 'no topic none'],
  ])('POST %s %j is answered with %i, and nothing changes', async (path, body, status, detail) => {
    const { url, broker } = await bench({ orders })
    const before = await endsOf(broker)
    const answer = await ask(url, path, { body })
    expect(answer.body.detail).toContain(detail)
    expect([answer.status, answer.type]).toEqual([status, 'application/problem+json'])
    expect(await endsOf(broker)).toEqual(before)
  })

  it('with another method says which there are', async () => {
    const { url } = await bench()
    const { status, headers } = await ask(url, '/api/dlq', { body: {} })
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})
