import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BrokerError } from '../../../src/broker/broker.ts'
import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import { output, unit } from '../../contract/broker/setting.ts'
import { firstWords, newDirectory, start } from './processes.ts'

it('refuses a second owner, says who has the directory, and frees it when that one is killed', async () => {
  const directory = await newDirectory()
  const child = start('own', ['run', directory])
  await firstWords(child)

  const error = await openEmbedded({ directory, owner: true }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(BrokerError)
  expect(String(error).replace(/\d\d:\d\d/, '12:03')).toBe(
    `BrokerError: ${directory} is in use by process ${child.process.pid} (own run, since 12:03). ` +
      'Stop it, or give this one its own --data directory.',
  )

  child.process.kill('SIGKILL')
  await child.ended
  const broker = await openEmbedded({ directory, owner: true })
  await broker.close()
})

it('refuses a second owner in the same process, until the first has closed', async () => {
  const directory = await newDirectory()
  const first = await openEmbedded({ directory, owner: true })
  await expect(openEmbedded({ directory, owner: true })).rejects.toThrow(`process ${process.pid}`)
  await first.close()
  const second = await openEmbedded({ directory, owner: true })
  await first.close()
  await expect(openEmbedded({ directory, owner: true })).rejects.toThrow(`process ${process.pid}`)
  await second.close()
})

it('lets others read and append while it is owned', async () => {
  const directory = await newDirectory()
  const owner = await openEmbedded({ directory, owner: true })
  const producer = await openEmbedded({ directory })
  await producer.commit(unit('g', { outputs: [output('t')] }))
  const reader = await openEmbedded({ directory, readOnly: true })
  for (const broker of [owner, producer, reader]) {
    expect((await broker.read({ topic: 't', partition: 0, offset: 0n }, 10)).records).toHaveLength(1)
  }
  await Promise.all([reader.close(), producer.close(), owner.close()])
})

it('is given back when the directory then cannot be opened', async () => {
  const directory = await newDirectory()
  await writeFile(join(directory, 'oxbow.db'), 'no database at all'.repeat(100))
  await expect(openEmbedded({ directory, owner: true })).rejects.toThrow(/is not a database of Oxbow/)
  await expect(openEmbedded({ directory, owner: true })).rejects.toThrow(/is not a database of Oxbow/)
})
