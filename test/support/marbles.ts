import { TestScheduler, type RunHelpers } from 'rxjs/testing'
import { expect } from 'vitest'

/** A test on virtual time: `it('...', marbles(({ cold, expectObservable }) => { ... }))`. */
export const marbles = (run: (helpers: RunHelpers) => void) => () =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(run)
