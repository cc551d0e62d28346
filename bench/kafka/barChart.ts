import { yardstick, type Summary } from './summary.ts'

const barHeight = 20
const gap = 6
const titleHeight = 44
const labelWidth = 270
const barsWidth = 380
const width = labelWidth + barsWidth + 130
const colours = { oxbow: '#1f6feb', yardstick: '#8c6d1f', other: '#8b949e' }

/** A bar for each peer, guarantee and number of threads: records per second, and against Kafka Streams. */
export function barChart(rows: readonly Summary[]): string {
  const most = Math.max(...rows.map(({ rate }) => rate))
  const height = titleHeight + rows.length * (barHeight + gap) + gap
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="26" font-size="15" fill="#24292f">Records per second, 5 % of them dead-lettered (higher is better)</text>`,
    ...rows.map((row, at) => bar(row, titleHeight + at * (barHeight + gap), most)),
    '</svg>',
    '',
  ].join('\n')
}

function bar({ peer, guarantee, threads, rate, ratio }: Summary, top: number, most: number): string {
  const length = Math.round((rate / most) * barsWidth)
  const middle = top + barHeight - 6
  const colour = peer === 'Oxbow' ? colours.oxbow : peer === yardstick ? colours.yardstick : colours.other
  const label = `${peer}, ${guarantee === 'exactlyOnce' ? 'exactly' : 'at least'} once, ${threads}T`
  const value = `${Math.round(rate / 1_000)} k${ratio === undefined ? '' : ` (${ratio.toFixed(2)} x)`}`
  return [
    `<text x="${labelWidth - 8}" y="${middle}" text-anchor="end" fill="#24292f">${label}</text>`,
    `<rect x="${labelWidth}" y="${top}" width="${length}" height="${barHeight}" fill="${colour}"/>`,
    `<text x="${labelWidth + length + 6}" y="${middle}" fill="#24292f">${value}</text>`,
  ].join('')
}
