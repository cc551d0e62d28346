import type { UserFunction } from '../../src/operators/use.ts'

interface Article {
  readonly published_at: string
  readonly source_weight: number
  readonly keyword_scores: { readonly [keyword: string]: number }
  /** Slugs of the markets that are watched. */
  readonly markets: readonly string[]
}

/** Makes a mention of each market that an article speaks of: one whose slug has words that the article was found for. */
const matchMarkets: UserFunction = (value, _, { many }) => {
  const { published_at, source_weight, keyword_scores, markets } = value as Article
  return many(
    markets.flatMap((market_slug) => {
      const score = scoreFor(market_slug, keyword_scores)
      return score > 0 ? [{ market_slug, published_at, score, source_weight }] : []
    }),
  )
}

export default matchMarkets

/** The scores of the keywords that begin a word of the slug: "president" is for "presidential" too. */
function scoreFor(slug: string, scores: Article['keyword_scores']): number {
  const words = slug.split('-')
  const found = Object.entries(scores).filter(([keyword]) => words.some((word) => word.startsWith(keyword)))
  return found.reduce((sum, [, score]) => sum + score, 0)
}
