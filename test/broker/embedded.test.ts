import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { brokerContract, durableBrokerContract } from '../contract/broker.ts'

brokerContract('the embedded broker in memory', async () => {
  const broker = await openEmbedded({ directory: ':memory:' })
  return { broker, close: () => broker.close() }
})

brokerContract('the embedded broker in a directory', openInDirectory)
durableBrokerContract('the embedded broker in a directory', openInDirectory)

async function openInDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'oxbow-'))
  const broker = await openEmbedded({ directory, owner: true })
  let current = broker
  return {
    broker,
    reopen: async () => {
      await current.close()
      current = await openEmbedded({ directory, owner: true })
      return current
    },
    close: async () => {
      await current.close()
      await rm(directory, { recursive: true })
    },
  }
}
