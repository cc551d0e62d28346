import { z } from 'zod'
import { defineSink } from '../../src/component/sink.ts'

/** An external sink that nothing may ever be written to: the testing kit has to stand in for it. */
export const capture = defineSink({
  name: 'capture',
  summary: 'An outside that tests must not reach.',
  config: z.strictObject({}),
  faults: [],
  examples: [],
  open: async () => {
    throw new Error('a test wrote to the outside')
  },
})
