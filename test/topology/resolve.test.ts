import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/topology/read.ts'
import { resolvePlan } from '../../src/topology/resolve.ts'
import { keyBy } from '../../src/operators/keyBy.ts'
import { emit } from '../../src/record/outcome.ts'
import { catalogWith, operator } from '../support/pipeline.ts'

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

describe('what a source says of its dead letters', () => {
  const config = `
sources:
  a: { topic: {}, deadLetters: { retry: { attempts: 9 }, parked: { records: 5 } } }
  b: { topic: {} }
streams: { s: { from: [a, b], to: { topic: out } } }
deadLetters: { order: key, envelope: json, retry: { attempts: 1, backoff: [5s], reenter: source }, parked: { size: 1MiB } }`

  it('stands for the rest of the pipeline, field by field', () => {
    const [a, b] = resolve(config).subtopologies[0]!.sources.map(({ deadLetters }) => deadLetters)
    expect(a).toMatchObject({
      envelope: 'json',
      retry: { attempts: 9, backoff: [5_000], reenter: 'source' },
      parked: { records: 5, bytes: 1_048_576 },
    })
    expect(b).toMatchObject({ retry: { attempts: 1, backoff: [5_000] }, parked: { records: 10_000 } })
  })
})

describe('records that come together by key', () => {
  const keyed = catalogWith({
    operators: [
      operator('meet', () => (record) => emit(record), { keyed: true, reads: () => ({ stream: 'b' }) }),
      keyBy,
    ],
  })
  const check = (partitions: string, steps = 'meet: {}') => {
    const config = `name: p
sources:
  a: { topic: {}, partitions: 3 }
  b: { topic: {}${partitions} }
streams:
  s:
    from: a
    steps: [${steps}]
    to: { topic: out }`
    return () => resolvePlan(parseConfig(config, 'p.yaml', keyed, {}), keyed)
  }

  it('have as many partitions as each other, as far as the config says', () => {
    expect(check(', partitions: 2')).toThrow(
      'p.yaml:8:13: s.meet brings records together by key, and their topics differ in partitions: a has 3, b has 2.',
    )
    expect(check(', partitions: 3')).not.toThrow()
    expect(check('')).not.toThrow()
    expect(check(', partitions: 2', 'keyBy: record.id, meet: {}')).not.toThrow()
    const keyBy = 'keyBy: { by: record.id, partitions: 5 }, meet: {}'
    expect(check(', partitions: 2', keyBy)).toThrow('p-s-repartition has 5, b has 2')
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
