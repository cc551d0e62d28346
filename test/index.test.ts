import { expect, test } from 'vitest'
import { z } from 'zod'
import * as oxbow from '../src/index.ts'
import { operatorContext, record } from '../src/testing/index.ts'
import { from, lastValueFrom, toArray } from 'rxjs'

test('an operator can be written with the public API alone', async () => {
  class TooDearFault extends oxbow.Fault {
    readonly code = 'order.too_dear'
    readonly disposition = 'deadLetter'
  }
  const approve = oxbow.defineOperator({
    name: 'approve',
    summary: 'Approves cheap orders.',
    config: z.strictObject({ below: z.number() }),
    faults: [TooDearFault],
    examples: [],
    build:
      ({ below }) =>
      (order) => {
        const price = oxbow.field(order, 'price')
        if (price === undefined) return oxbow.drop(order, 'no price')
        if (Number(price) >= below) return oxbow.fail(order, new TooDearFault('It is too dear.'))
        return oxbow.emit(order, oxbow.nth(order, 0, 'approved'))
      },
  })
  const orders = [record({ price: 1 }), record({ price: 9 }), record({})]
  const outcomes = await lastValueFrom(from(orders).pipe(approve.over({ below: 5 }, operatorContext()), toArray()))
  expect(outcomes.map(({ type }) => type)).toEqual(['emit', 'fail', 'drop'])
})

test('the public API is this, and nothing else by accident', () => {
  expect(Object.keys(oxbow).toSorted()).toEqual([
    'Fault',
    'MissingFieldFault',
    'RecordedFault',
    'SinkUnavailableFault',
    'UnexpectedFault',
    'absorb',
    'defineOperator',
    'defineSink',
    'defineSource',
    'drop',
    'duration',
    'emit',
    'emitAll',
    'emitTo',
    'fail',
    'field',
    'nth',
    'path',
    'size',
    'topicName',
    'withValue',
  ])
})
