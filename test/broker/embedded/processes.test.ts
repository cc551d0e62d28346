import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import { output, take, texts, unit } from '../../contract/broker/setting.ts'
import { newDirectory, start } from './processes.ts'

const everything = { topic: 'shared', partition: 0, offset: 0n }

it('notices in a poll that waits what another process appends', async () => {
  const directory = await newDirectory()
  const owner = await openEmbedded({ directory, owner: true })
  const subscription = await owner.subscribe('g', ['shared'])
  const polled = take(subscription, 3)
  const producer = start('produce', [directory, 'other', '3'])
  expect(texts(await polled)).toEqual(['other.0', 'other.1', 'other.2'])
  expect(await producer.ended).toBe(0)
  await owner.close()
})

it('appends beside another process, neither overwriting the other', async () => {
  const directory = await newDirectory()
  const owner = await openEmbedded({ directory, owner: true })
  const producer = start('produce', [directory, 'other', '60'])
  const running = new AbortController()
  const ended = producer.ended.finally(() => running.abort())
  let own = 0
  while (!running.signal.aborted) {
    await owner.commit(unit('g', { outputs: [output('shared', { value: Buffer.from(`own.${own++}`) })] }))
    await setTimeout(1)
  }
  expect(await ended, await producer.stderr).toBe(0)

  const { records } = await owner.read(everything, 100_000)
  expect(records.map(({ offset }) => offset)).toEqual(records.map((_, n) => BigInt(n)))
  const of = (name: string): (string | undefined)[] => texts(records).filter((value) => value!.startsWith(name))
  expect(of('other')).toEqual(Array.from({ length: 60 }, (_, n) => `other.${n}`))
  expect(of('own')).toEqual(Array.from({ length: own }, (_, n) => `own.${n}`))
  await owner.close()
})

it('may be created by several processes at the same moment', async () => {
  const directory = await newDirectory()
  const producers = ['a', 'b', 'c', 'd'].map((name) => start('produce', [directory, name, '5']))
  for (const { ended, stderr } of producers) expect(await ended, await stderr).toBe(0)
  const broker = await openEmbedded({ directory, readOnly: true })
  expect((await broker.read(everything, 100)).records).toHaveLength(20)
  await broker.close()
})
