import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import { expiryContract } from '../../contract/broker/expiry.ts'

const hour = 3_600_000

expiryContract('the embedded broker', async () => {
  let now = 0
  const broker = await openEmbedded({ directory: ':memory:', now: () => now })
  return {
    broker,
    timestampOf: (n) => n * hour,
    delete: async (topic, before) => {
      now = (before + 100) * hour
      await broker.ensureTopics([{ name: topic, retention: 100 * hour }], { shorten: true })
    },
  }
})
