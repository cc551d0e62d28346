import type { IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { silentLog } from '../../src/testing/operatorContext.ts'
import { Door } from '../../src/server/security/door.ts'
import { Users } from '../../src/server/security/users.ts'
import { ask, bench, tokens } from './workbench.ts'

const users = new Users('anna view 0123456789abcdef')
const from = (remoteAddress: string) => ({ socket: { remoteAddress }, headers: {} }) as IncomingMessage
const wrong = 'nobody-0123456789'

function door() {
  const clock = { now: 1_000_000 }
  const tried = new Door(users, silentLog, undefined, () => clock.now)
  const tries = (address: string, count: number) => {
    for (let time = 0; time < count; time++) expect(tried.enter(wrong, from(address))).toBeUndefined()
  }
  const waits = (address: string, token = wrong) => {
    try {
      return tried.enter(token, from(address))?.name ?? 'nobody'
    } catch (thrown) {
      return (thrown as { headers: { 'retry-after': string } }).headers['retry-after']
    }
  }
  return { clock, tries, waits }
}

it('who tries many tokens has to wait, whether the next one is right or not', () => {
  const { clock, tries, waits } = door()
  tries('10.0.0.1', 20)
  expect(waits('10.0.0.1')).toBe('3')
  expect(waits('10.0.0.1', '0123456789abcdef')).toBe('3')
  expect(waits('10.0.0.2', '0123456789abcdef')).toBe('anna')
  clock.now += 1_500
  expect(waits('10.0.0.1')).toBe('2')
  clock.now += 1_500
  expect(waits('10.0.0.1', '0123456789abcdef')).toBe('anna')
  tries('10.0.0.1', 1)
  expect(waits('10.0.0.1')).toBe('3')
  clock.now += 60_000
  tries('10.0.0.1', 20)
  expect(waits('10.0.0.1')).toBe('3')
})

it.each([
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', '2001:db8:1:3::9'],
  ['2001:db8::1', '2001:db8:0:0:7::', '2001:db8:0:1::1'],
  ['::ffff:10.0.0.1', '10.0.0.1', '10.0.0.2'],
])('%s is of one network with %s, and not with %s', (address, alike, other) => {
  const { tries, waits } = door()
  tries(address, 20)
  expect([waits(alike), waits(other)]).toEqual(['3', 'nobody'])
})

it('wrong tokens by header and by the login count alike; what needs none is answered, and sessions go on', async () => {
  const { url, lines } = await bench({ tokens: true })
  const login = (token: string) =>
    fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams({ token }), redirect: 'manual' })
  const session = (await login(tokens.vera)).headers.get('set-cookie')!.split(';', 1)[0]!
  for (let time = 0; time < 10; time++) {
    // What it says of itself is not believed.
    const headers = { authorization: `Bearer ${wrong}`, 'x-forwarded-for': `203.0.113.${time}` }
    expect((await ask(url, '/api/dlq', { headers })).status).toBe(401)
    expect((await login(wrong)).status).toBe(401)
  }
  const refused = await ask(url, '/api/dlq', { as: 'vera' })
  expect([refused.status, refused.type, refused.body.title]).toEqual([
    429,
    'application/problem+json',
    'Too many tries',
  ])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await login(tokens.vera)).status).toBe(429)
  expect((await ask(url, '/metrics', { headers: { authorization: `Bearer ${wrong}` } })).status).toBe(200)
  expect((await ask(url, '/api/dlq', { headers: { cookie: session } })).status).toBe(200)
  expect(lines.map(({ message }) => message).join()).toContain('20 wrong tokens came from 127.0.0.1')
})
