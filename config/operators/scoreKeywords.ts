import type { UserFunction } from '../../src/operators/use.ts'

/** What the articles are searched for, and how much each find says. */
const weights: { readonly [keyword: string]: number } = {
  campaign: 0.6,
  candidate: 0.8,
  democrat: 0.5,
  election: 1,
  newsom: 1,
  poll: 0.8,
  president: 0.6,
  primary: 0.7,
  republican: 0.5,
  vance: 1,
  vote: 0.7,
  'white house': 0.6,
}

const titleCounts = 2
const patterns = Object.keys(weights).map((keyword) => ({
  keyword,
  pattern: new RegExp(`\\b${keyword}(?:s|es)?\\b`, 'gi'),
}))

/**
 * Adds `keywords`, those found in the title or the text, best first, and `keyword_scores`: finds by weight, those in the
 * title twice. An article without any goes on with none.
 */
const scoreKeywords: UserFunction = (value) => {
  const entry = value as { readonly title: string; readonly summary?: string; readonly content?: string }
  const text = plainText(entry.summary ?? entry.content ?? '')
  const found = patterns
    .map(
      ({ keyword, pattern }) => [keyword, scoreOf(keyword, finds(entry.title, pattern), finds(text, pattern))] as const,
    )
    .filter(([, score]) => score > 0)
    .toSorted(([a, first], [b, second]) => second - first || (a < b ? -1 : 1))
  return { ...entry, keywords: found.map(([keyword]) => keyword), keyword_scores: Object.fromEntries(found) }
}

export default scoreKeywords

const finds = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

const scoreOf = (keyword: string, inTitle: number, inText: number): number =>
  Number((weights[keyword]! * (titleCounts * inTitle + inText)).toFixed(3))

const plainText = (html: string): string => html.replace(/<[^>]*>/g, ' ')
