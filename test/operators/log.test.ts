import { describe, expect, it } from 'vitest'
import { ExpressionFault } from '../../src/component/expression.ts'
import { log } from '../../src/operators/log.ts'
import { emit, fail } from '../../src/record/outcome.ts'
import { context } from '../support/context.ts'
import { marbles } from '../support/marbles.ts'
import { record } from '../support/records.ts'

describe('log', () => {
  const a = record({ price: 0.4, secret: 's' })
  const origin = `in/0/${a.origin.offset}`

  it(
    'writes what it is told, no more, and lets the record go on',
    marbles(({ cold, expectObservable, flush }) => {
      const { lines, log: sink } = keptLog()
      const x = record({})

      const source = cold('  x-a|', { x, a })
      const expected = '     f-e|'
      const message = "'price ' + string(record.price)"
      expectObservable(source.pipe(log.over({ level: 'warn', message }, context({ log: sink })))).toBe(expected, {
        f: fail(x, new ExpressionFault(message, 'record.price is missing; has(record.price) asks first')),
        e: emit(a),
      })
      flush()
      expect(lines).toEqual([['warn', { operator: 'articles.operator', origin }, 'price 0.4']])
    }),
  )

  it(
    'writes the whole value when it is told nothing',
    marbles(({ cold, expectObservable, flush }) => {
      const { lines, log: sink } = keptLog()

      expectObservable(cold('a|', { a }).pipe(log.over({}, context({ log: sink })))).toBe('e|', { e: emit(a) })
      flush()
      expect(lines).toEqual([['info', { operator: 'articles.operator', origin, value: a.value }, 'record']])
    }),
  )
})

function keptLog() {
  const lines: [level: string, fields: object, message: string][] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message])
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}
