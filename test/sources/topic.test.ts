import { expect, it } from 'vitest'
import { topic } from '../../src/sources/topic.ts'

it('reads JSON unless told otherwise, and connects to nothing', () => {
  expect(topic.format(topic.config.parse({}))).toBe('json')
  expect(topic.format(topic.config.parse({ format: 'bytes' }))).toBe('bytes')
  expect(topic.open).toBeUndefined()
})

it('refuses a format there is not', () => {
  expect(topic.config.safeParse({ format: 'xml' }).success).toBe(false)
})
