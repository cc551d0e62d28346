import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ledgerOf } from '../../src/deadletter/ledger/entry.ts'
import { readEntry } from '../../src/deadletter/ledger/entry.ts'
import { ask, bench, mended, strict, tokens, type Order } from '../server/workbench.ts'
import { browserOptions, executablePath } from './chromium.ts'

const hostile = `"><script>document.title = "taken"</script>\u202e`
const orders: readonly Order[] = [
  { key: 'a', value: { price: 1 } },
  { key: 'b', value: { cost: 2, note: hostile } },
  { key: hostile, value: { cost: 3 }, headers: [[`x-${hostile}`, Buffer.from(hostile)]] },
]
const watched = `${strict}monitor: { every: 1s, alerts: [{ name: any, when: size > 0, to: { log: {} } }] }\n`
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe.skipIf(executablePath === undefined)('the workbench in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await chromium.launch(browserOptions)
  }, 60_000)
  afterAll(() => browser.close())

  /** A page, and what the browser complains of. */
  async function open(url: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const complaints: string[] = []
    const hosts = new Set<string>()
    page.on('console', (message) => void complaints.push(message.text()))
    page.on('pageerror', (error) => void complaints.push(error.message))
    page.on('request', (request) => void hosts.add(new URL(request.url()).origin))
    await page.goto(url)
    return { page, complaints, hosts }
  }

  it('walks from a failing pipeline to its group and a letter, rehearses a mended config, and sends it back to it: none is left', async () => {
    const { url, run, broker, observe } = await bench({ orders, config: watched })
    const { page, complaints, hosts } = await open(url)
    await page.getByRole('link', { name: 'Alerts' }).click()
    const firing = page.getByRole('link', { name: 'fires for dlq.orders' })
    while (!(await firing.isVisible())) await page.reload()
    await page.getByRole('link', { name: 'Overview' }).click()
    expect(await page.locator('#health li').textContent()).toMatch(/^shop: .+ fires for dlq\.orders$/)
    await page.locator('#health').getByRole('link', { name: 'dlq.orders' }).click()
    expect(await page.locator('h1').textContent()).toBe('Groups of dlq.orders')
    await page.getByRole('link', { name: 'Dead letters' }).click()
    expect(await page.locator('#topics tbody tr').first().textContent()).toMatch(/^\s*dlq\.ordersshop2/)
    await page.locator('#groups tbody a').first().click()
    expect(await page.locator('#about .state').textContent()).toBe('new')
    const group = page.url()
    await page.locator('#letters tbody a').first().click()
    expect(await page.locator('#about .state').textContent()).toBe('open')
    expect(await page.locator('#payload pre').textContent()).toContain('cost')

    const { url: beside } = await observe(mended)
    await page.goto(group.replace(url, beside))
    await page.getByRole('button', { name: 'Rehearse' }).click()
    await page.getByText('It was rehearsed:').waitFor()
    expect(page.url()).toBe(group.replace(url, beside))
    const rehearsed = page.locator('#rehearsed')
    expect(await rehearsed.locator('tbody td').allTextContents()).toEqual(['2', '2', '0', '0', '0', '0'])
    expect(await rehearsed.locator('pre').textContent()).toContain('"cost": 2')
    expect(await seriousFindings(page)).toEqual([])

    await run(mended)
    await page.goto(group)
    const form = page.locator('#act form').first()
    await form.getByLabel('Why').fill('cost is price')
    await form.getByLabel('So many first').fill('1')
    await form.getByRole('button', { name: 'What would be sent?' }).click()
    expect(await page.getByText('2 letters would go back.').count()).toBe(1)
    await page.getByRole('button', { name: 'Send back' }).click()
    await page.waitForURL('**/redrives/*')
    while (!(await page.getByText('2 of 2 have an outcome').isVisible())) await page.reload()

    await page.getByRole('link', { name: 'Alerts' }).click()
    while (!(await page.getByText('quiet').isVisible())) await page.reload()
    await page.getByRole('link', { name: 'Dead letters' }).click()
    expect(await page.locator('#topics tbody tr').first().textContent()).toMatch(/^\s*dlq\.ordersshop0/)
    const { records } = await broker.read({ topic: ledgerOf('dlq.orders'), partition: 0, offset: 0n }, 100)
    const said = records.map((record) => readEntry(record)!)
    expect(said.map(({ to }) => to).toSorted()).toEqual(['redriving', 'redriving', 'resolved', 'resolved'])
    expect(said[0]).toMatchObject({ to: 'redriving', why: 'cost is price' })
    const { records: priced } = await broker.read({ topic: 'priced', partition: 0, offset: 0n }, 100)
    expect(priced).toHaveLength(3)
    expect(complaints).toEqual([])
    expect([...hosts]).toEqual([url, beside])
    expect(await page.title()).toBe('Oxbow: dead letters')
  })

  it('shows records as they come', async () => {
    const { url, broker } = await bench({ orders })
    const { page, complaints } = await open(`${url}/topics/orders`)
    await page.waitForFunction('document.querySelector(".live:not([hidden])") !== null')
    const unit = { group: 'p', task: '', offsets: [], state: [], counts: [] }
    const record = {
      topic: 'orders',
      key: Buffer.from(hostile),
      value: Buffer.from(hostile),
      headers: [],
      timestamp: 0,
    }
    const arrived = page.locator('#newest tbody th', { hasText: '0/3' })
    await broker.commit({ ...unit, outputs: [record] })
    await arrived.waitFor()
    expect(await page.title()).toBe('Oxbow: orders')
    expect(complaints).toEqual([])
  })

  it('says why nothing was rehearsed', async () => {
    const { url, ledger } = await bench({ orders })
    const { page } = await open(`${url}/letters`)
    await page.goto(`${url}/letters/${ledger.page({}, 1).letters[0]!.id}`)
    await ask(url, '/api/discard', { body: { all: true, why: 'meanwhile' } })
    await page.getByRole('button', { name: 'Rehearse' }).first().click()
    await page.getByText('It was not rehearsed:').waitFor()
    expect(await page.locator('#rehearsed').textContent()).toContain('No such open letter')
  })

  it('lets in who has a token, by a form', async () => {
    const { url } = await bench({ orders, tokens: true })
    const { page } = await open(`${url}/letters`)
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('Token').fill(tokens.vera)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.waitForURL('**/letters')
    expect(await page.locator('.who').textContent()).toContain('vera (view)')
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.waitForURL('**/login')
  })

  it('has no serious finding of axe, light and dark, and fits a phone', async () => {
    const { url, ledger, observe } = await bench({ orders })
    const { page, complaints } = await open(url)
    const [letter] = ledger.page({}, 1).letters
    // There the forms ask which pipeline takes the letters, too.
    const renamed = await observe(strict.replace('name: shop', 'name: store'))
    for (const path of [
      '/',
      '/letters',
      `/groups/${letter!.fingerprint}`,
      `/letters/${letter!.id}`,
      '/redrives',
      '/topics',
      '/topics/orders',
      '/tables',
      '/alerts',
      '/audit',
      '/nothing',
      `${renamed.url}/groups/${letter!.fingerprint}`,
    ]) {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.goto(new URL(path, url).href)
      expect(await seriousFindings(page), path).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await seriousFindings(page, ['color-contrast']), path).toEqual([])
      await page.setViewportSize({ width: 360, height: 740 })
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), path).toBeLessThanOrEqual(0)
      await page.setViewportSize({ width: 1_280, height: 900 })
    }
    expect(complaints.filter((each) => !each.includes('404'))).toEqual([])
  })
})

/** What axe finds that keeps somebody from using the page. @param rules only of these */
async function seriousFindings(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  await page.evaluate(axe)
  const { violations } = await page.evaluate<Findings>(`axe.run(${JSON.stringify(rules ? { runOnly: rules } : {})})`)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

interface Findings {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}
