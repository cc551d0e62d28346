interface Article {
  title: unknown
  keywords?: string[]
  score?: number
}

interface Tools {
  drop(reason: string): unknown
  fail(code: string, message: string): unknown
}

/** How many of an article's keywords its title has, from 0 to 1. */
export default function score(article: Article, _record: unknown, { drop, fail }: Tools): unknown {
  if (typeof article.title !== 'string') return fail('title.not_text', 'The title is not text.')
  if (!article.keywords?.length) return drop('no keywords')
  const title = article.title.toLowerCase()
  const found = article.keywords.filter((keyword) => title.includes(keyword.toLowerCase()))
  article.score = found.length / article.keywords.length
  return article
}
