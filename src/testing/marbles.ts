import { deepStrictEqual } from 'node:assert/strict'
import { TestScheduler, type RunHelpers } from 'rxjs/testing'

/**
 * A marble test of one operator, on the virtual time of RxJS: `it('drops it', marbles(({ cold, expectObservable }) => ...))`.
 * Works with any test runner; a difference is thrown as an AssertionError. Operators whose calls are promises cannot be
 * tested so: use runTopology.
 */
export const marbles = (run: (helpers: RunHelpers) => void) => (): void =>
  new TestScheduler((actual, expected) => deepStrictEqual(actual, expected)).run(run)
