import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openEmbedded } from '../../src/broker/embedded/embedded.ts'
import { append, output } from '../support/pipeline.ts'
import { jsonLines, makeDirectory, runOxbow } from './oxbow.ts'

const hour = 3_600_000
const config = 'name: p\nsources: { in: { topic: {} } }\nstreams: { s: { from: in, to: { topic: out } } }\n'

test('describe and run tell of offsets that were deleted before they were read', async () => {
  const directory = makeDirectory({ 'p.yaml': config })
  const open = () => openEmbedded({ directory: join(directory, '.oxbow') })
  const write = async (age: number, ...values: readonly number[]) => {
    const broker = await open()
    for (const n of values) await append(broker, [output('in', n, { timestamp: Date.now() - age })])
    await broker.close()
  }
  await write(1_000 * hour, 0, 1)
  expect((await runOxbow(directory, ['run', 'p.yaml', '--until-idle', '--no-http'])).code).toBe(0)
  await write(1_000 * hour, 2, 3)
  await write(0, 4)
  const broker = await open()
  await broker.ensureTopics([{ name: 'in', retention: 100 * hour }], { shorten: true })
  await broker.close()

  const described = await runOxbow(directory, ['describe', 'p.yaml', '--live'])
  expect(described.stdout).toContain('in, partition 0: 2 offsets were deleted before they were read\n')
  const json = await runOxbow(directory, ['describe', 'p.yaml', '--live', '--format', 'json'])
  expect(JSON.parse(json.stdout)).toMatchObject({ live: { partitions: [{ committed: 2, lag: 1, expired: 2 }] } })

  const ran = await runOxbow(directory, ['run', 'p.yaml', '--until-idle', '--no-http'])
  expect([ran.code, ran.stdout], ran.stderr).toEqual([
    0,
    expect.stringContaining('in: 2 offsets were deleted before they were read, and are not counted.\n'),
  ])
  expect(ran.stderr).toContain('"level":"error"')
  const again = await runOxbow(directory, ['run', 'p.yaml', '--until-idle', '--no-http', '--json'])
  expect(jsonLines(again.stdout)).toEqual([
    { source: 'in', stream: 's', read: 3, emitted: 3, dropped: 0, dead: 0, inFlight: 0, expired: 2 },
  ])
  expect(again.stderr).not.toContain('"level":"error"')
})
