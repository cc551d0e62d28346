import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { catalogWith } from '../support/pipeline.ts'

const catalog = catalogWith({})
const resolve = (config: string) => resolvePlan(parseConfig(`name: p\n${config}`, 'p.yaml', catalog, {}), catalog)

describe('what leads in a circle', () => {
  it('is not a stream that writes a topic of its own name', () => {
    expect(() =>
      resolve('sources: { in: { topic: {} } }\nstreams: { s: { from: in, to: { topic: s } } }'),
    ).not.toThrow()
  })

  it('is a stream that writes what it reads, also by way of others', () => {
    const config = `
sources: { a: { topic: {} }, b: { topic: {} } }
streams:
  s: { from: a, to: { topic: b } }
  t: { from: b, to: { topic: a } }`
    expect(() => resolve(config)).toThrow(/`s` reads what it writes: an endless loop/)
  })

  it('is a source whose dead letters are read as its records', () => {
    const config = `
sources: { a: { topic: {}, deadLetters: { topic: a } } }
streams: { s: { from: a, to: { topic: b } } }`
    expect(() => resolve(config)).toThrow('the dead letters of `a` would go back to `a`')
  })
})

describe('a dead-letter topic', () => {
  const retentionOf = (config: string, topic: string) =>
    resolve(config).topics.find(({ name }) => name === topic)?.retention

  it('is kept for a week, or for as long as the config says', () => {
    const config = 'sources: { a: { topic: {} } }\nstreams: { s: { from: a, to: { topic: b } } }'
    expect(retentionOf(config, 'dlq.a')).toBe(604_800_000)
    expect(retentionOf(`${config}\ndeadLetters: { retention: 1h }`, 'dlq.a')).toBe(3_600_000)
  })

  it('is kept no longer when the same pipeline reads it', () => {
    const config = `
sources: { a: { topic: {} }, dlq.a: { topic: {} } }
streams: { s: { from: [a, dlq.a], to: { topic: b } } }`
    expect(retentionOf(config, 'dlq.a')).toBe(604_800_000)
    expect(retentionOf(config.replace('dlq.a: { topic: {}', 'dlq.a: { topic: {}, retention: 1h'), 'dlq.a')).toBe(
      3_600_000,
    )
  })
})
