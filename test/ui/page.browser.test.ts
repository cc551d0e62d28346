import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { append, configWith, served, type Given } from '../server/served.ts'
import { browserOptions, executablePath } from './chromium.ts'

const hour = 3_600_000
const start = Date.parse('2026-01-08T00:00:00Z')
const hostile = '<script>document.title = "taken"</script>'

const config = configWith(`
plots:
  - title: Signal, price and lag
    by: record.market
    x: record.end
    lines:
      - { topic: lag_signals, y: record.signal, name: signal }
      - { topic: lag_signals, y: record.price, name: price, unit: USD, axis: right }
      - { topic: lag_signals, y: record.lag, name: lag, as: marks }
`)

const signals = (market: string, from: number, to: number): Given[] =>
  Array.from({ length: to - from }, (_, at) => ({
    topic: 'lag_signals',
    value: {
      market,
      end: new Date(start + (from + at) * hour).toISOString(),
      signal: from + at,
      price: 0.4 + (from + at) / 100,
      lag: at % 5 === 0,
    },
  }))

describe.skipIf(executablePath === undefined)('the page in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await chromium.launch(browserOptions)
  }, 60_000)
  afterAll(() => browser.close())

  /** The page of a pipeline with signals of two markets, and what the browser complains of. */
  async function open(options: BrowserContextOptions = {}) {
    const given = [...signals('rain', 0, 30), ...signals(hostile, 0, 30)]
    const { url, broker, server } = await served(config, { given })
    const context = await browser.newContext({ viewport: { width: 1_200, height: 900 }, ...options })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const complaints: string[] = []
    const hosts = new Set<string>()
    page.on('console', (message) => void complaints.push(message.text()))
    page.on('pageerror', (error) => void complaints.push(error.message))
    page.on('request', (request) => void hosts.add(new URL(request.url()).origin))
    await page.clock.install()
    await page.goto(url)
    return { page, url, broker, server, complaints, hosts }
  }

  it('is drawn, asks no other host, and runs no script but its own', async () => {
    const { page, url, complaints, hosts } = await open()
    expect(await page.title()).toBe('Oxbow: shop')
    const plots = page.getByRole('img', { name: 'signal from 0 to 29' })
    expect(await plots.count()).toBe(2)
    expect(await page.getByText(hostile).count()).toBe(1)
    const box = (await plots.first().boundingBox())!
    expect(box.width).toBeGreaterThan(300)
    expect(box.height).toBeGreaterThan(150)
    expect(complaints).toEqual([])
    expect([...hosts]).toEqual([url])
  })

  it('renews itself: what is new comes, what is open stays open, the focus stays', async () => {
    const { page, broker } = await open()
    await page.getByText('Numbers', { exact: true }).last().click()
    await page.locator('details[open] .scroll').focus()
    await append(broker, signals('rain', 30, 31))
    await page.clock.runFor(10_000)
    await page.getByRole('img', { name: 'signal from 0 to 30' }).waitFor()
    expect(await page.locator('details[open]').count()).toBe(1)
    expect(await page.evaluate('document.activeElement.className')).toBe('scroll')
    expect(await page.locator('details[open] tbody tr').count()).toBe(31)
  })

  it('does not, when told so, and says when it cannot', async () => {
    const { page, broker, server } = await open()
    await page.getByLabel('Renew every 10 s').uncheck()
    await append(broker, signals('rain', 30, 31))
    await page.clock.runFor(30_000)
    expect(await page.getByRole('img', { name: 'signal from 0 to 30' }).count()).toBe(0)
    await page.getByLabel('Renew every 10 s').check()
    await server.close()
    await page.clock.runFor(10_000)
    await page.getByText(/^Not reached at .*: this is older\.$/).waitFor()
  })

  it.each(['light', 'dark'] as const)('can be read in %s, and on a phone', async (colorScheme) => {
    const { page } = await open({ colorScheme, viewport: { width: 360, height: 740 } })
    const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(wide).toBeLessThanOrEqual(0)
    for (const text of ['.name', '.subject', '.well', 'caption', 'td', '.note', 'footer a'])
      expect(await contrast(page, text, 'color'), text).toBeGreaterThanOrEqual(4.5)
    expect(await contrast(page, '.plot text', 'fill')).toBeGreaterThanOrEqual(4.5)
    for (const line of ['.line.s0 path', '.line.s1 path', '.marks.s2 path'])
      expect(await contrast(page, line, 'stroke'), line).toBeGreaterThanOrEqual(3)
  })

  it('can be walked through with the keyboard', async () => {
    const { page } = await open()
    const reached: unknown[] = []
    for (let step = 0; step < 30; step++) {
      await page.keyboard.press('Tab')
      reached.push(await page.evaluate('document.activeElement.textContent.trim().slice(0, 20)'))
    }
    expect(reached[0]).toBe('To the content')
    expect(reached).toContain('Numbers')
    expect(reached).toContain('/plots')
  })

  it('is whole without scripts', async () => {
    const { page } = await open({ javaScriptEnabled: false })
    expect(await page.locator('svg.plot').count()).toBe(2)
    expect(await page.locator('#renewal').isVisible()).toBe(false)
  })
})

/** Runs in the browser: an element's colour, and that of the ground behind it. */
const coloursOf = `(element, property) => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number)
  const ground = (at) => numbers(getComputedStyle(at).backgroundColor)
  let behind = element
  while (behind !== document.body && ground(behind)[3] === 0) behind = behind.parentElement
  return [numbers(getComputedStyle(element)[property]), ground(behind)]
}`

/** The contrast of an element's colour with the ground it stands on, as WCAG 2 reckons it: from 1 to 21. */
async function contrast(page: Page, selector: string, property: 'color' | 'fill' | 'stroke'): Promise<number> {
  const asked = `(${coloursOf})(document.querySelector(${JSON.stringify(selector)}), '${property}')`
  const colours = await page.evaluate<readonly (readonly number[])[]>(asked)
  const [lighter, darker] = colours.map(luminance).toSorted((a, b) => b - a)
  return (lighter! + 0.05) / (darker! + 0.05)
}

function luminance([red, green, blue]: readonly number[]): number {
  const linear = (value: number) => (value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4)
  return 0.2126 * linear(red!) + 0.7152 * linear(green!) + 0.0722 * linear(blue!)
}
