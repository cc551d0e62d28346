import { chmod, open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../../src/broker/broker.ts'
import { openEmbedded } from '../../../src/broker/embedded/embedded.ts'
import { output, unit } from '../../contract/broker/setting.ts'
import { newDirectory } from './processes.ts'

describe('a data directory is refused, with its name and what would help,', () => {
  const refused = async (directory: string, message: RegExp, readOnly = false): Promise<void> => {
    const opened = openEmbedded({ directory, readOnly })
    await expect(opened).rejects.toThrow(BrokerError)
    await expect(opened).rejects.toThrow(message)
    await expect(opened).rejects.toThrow(directory)
  }
  const withDatabase = async (sql: string): Promise<string> => {
    const directory = await newDirectory()
    await (await openEmbedded({ directory })).close()
    const database = new DatabaseSync(join(directory, 'oxbow.db'))
    database.exec(sql)
    database.close()
    return directory
  }

  it('when its file is no database', async () => {
    const directory = await newDirectory()
    await writeFile(join(directory, 'oxbow.db'), Buffer.alloc(20_000, 'garbage'))
    await refused(directory, /oxbow\.db is not a database of Oxbow, or it is damaged\. .*--data/)
    await refused(directory, /oxbow\.db is not a database of Oxbow/, true)
  })

  it("when its file is another program's, which is left as it was", async () => {
    const directory = await newDirectory()
    const path = join(directory, 'oxbow.db')
    const foreign = new DatabaseSync(path)
    foreign.exec('CREATE TABLE notes (text)')
    foreign.close()
    await refused(directory, /oxbow\.db is a database of another program/)
    const after = new DatabaseSync(path)
    expect(after.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' })
    expect(after.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'notes' }])
    after.close()
  })

  it('when its schema is newer', async () => {
    await refused(await withDatabase('PRAGMA user_version = 99'), /newer Oxbow \(schema 99; .*Upgrade Oxbow/)
  })

  it('when its schema is older and it may only be read', async () => {
    await refused(await withDatabase('PRAGMA user_version = 0'), /has schema 0, .*Run a pipeline/, true)
  })

  it('when there is nothing to read, and nothing is made', async () => {
    const directory = join(await newDirectory(), 'none')
    await refused(directory, /holds no data of Oxbow/, true)
    await expect(stat(directory)).rejects.toThrow(/ENOENT/)
  })

  it('when it is a file', async () => {
    const path = join(await newDirectory(), 'file')
    await writeFile(path, '')
    await refused(path, /EEXIST/)
  })
})

it('names the file when its pages turn out damaged', async () => {
  const directory = await newDirectory()
  const broker = await openEmbedded({ directory })
  for (let n = 0; n < 50; n++)
    await broker.commit(unit('g', { outputs: [output('t', { value: Buffer.alloc(20_000) })] }))
  await broker.close()
  const file = await open(join(directory, 'oxbow.db'), 'r+')
  const { size } = await file.stat()
  await file.write(Buffer.alloc(size - 8_192, 0xab), 0, size - 8_192, 8_192)
  await file.close()

  const opening = openEmbedded({ directory }).then((damaged) => damaged.topics())
  await expect(opening).rejects.toThrow(BrokerError)
  await expect(opening).rejects.toThrow(`${directory}/oxbow.db is damaged`)
})

it('takes over the state that an earlier schema kept', async () => {
  const directory = await newDirectory()
  await (await openEmbedded({ directory })).close()
  const database = new DatabaseSync(join(directory, 'oxbow.db'))
  database.exec(`
    DROP TABLE store; DROP TABLE entry;
    CREATE TABLE state (consumer_group TEXT, task TEXT, store TEXT, key TEXT, value BLOB,
      PRIMARY KEY (consumer_group, task, store, key)) WITHOUT ROWID;
    INSERT INTO state VALUES ('g', '0', 's', 'a', x'01'), ('g', '0', 's', 'b', x''), ('g', '1', 's', 'a', x'02'), ('h', '0', 't', 'a', x'03');
    PRAGMA user_version = 1;`)
  database.close()

  const broker = await openEmbedded({ directory })
  const entries = async (group: string, task: string, store: string) =>
    [...(await broker.state(group, task)).entries(store)].map(([key, value]) => [key, value.toString('hex')])
  expect(await entries('g', '0', 's')).toEqual([
    ['a', '01'],
    ['b', ''],
  ])
  expect(await entries('g', '1', 's')).toEqual([['a', '02']])
  expect(await entries('h', '0', 't')).toEqual([['a', '03']])
  expect(await entries('h', '0', 's')).toEqual([])
  await broker.close()
})

it('changes nothing when it is opened for reading only', async () => {
  const directory = await newDirectory()
  const writer = await openEmbedded({ directory })
  await writer.commit(unit('g', { outputs: [output('t')] }))
  await writer.close()
  await chmod(join(directory, 'oxbow.db'), 0o444)

  const reader = await openEmbedded({ directory, readOnly: true })
  expect((await reader.read({ topic: 't', partition: 0, offset: 0n }, 1)).records).toHaveLength(1)
  const commit = reader.commit(unit('g', { outputs: [output('t')] }))
  await expect(commit).rejects.toThrow(/opened for reading only/)
  await reader.close()
  await expect(openEmbedded({ directory, readOnly: true, owner: true })).rejects.toThrow(BrokerError)
})

it('writes through a write-ahead log, so that readers never wait', async () => {
  const directory = await newDirectory()
  const broker = await openEmbedded({ directory })
  const other = new DatabaseSync(join(directory, 'oxbow.db'), { readOnly: true })
  expect(other.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  other.close()
  await broker.close()
})
