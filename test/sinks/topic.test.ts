import { expect, it } from 'vitest'
import { topic } from '../../src/sinks/topic.ts'

it('takes a name alone, or a name with options', () => {
  expect(topic.config.parse('articles.clean')).toEqual({ name: 'articles.clean', format: 'json' })
  expect(topic.config.parse({ name: 'a', partitions: 4, format: 'text' })).toEqual({
    name: 'a',
    partitions: 4,
    format: 'text',
  })
})

it('refuses what is no topic name, and opens nothing itself', () => {
  expect(topic.config.safeParse('no spaces').success).toBe(false)
  expect(topic.open).toBeUndefined()
})
