import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { entryRecord, ledgerOf, type Disposition } from '../../../src/deadletter/ledger/entry.ts'
import { Ledger } from '../../../src/deadletter/ledger/ledger.ts'
import { deadLetter, letterId } from '../../../src/deadletter/letter.ts'
import { redactor } from '../../../src/deadletter/redact.ts'
import { RecordedFault } from '../../../src/record/fault.ts'
import type { Setting } from './setting.ts'

const day = 86_400_000

/** Dead letters are counted by what their topics have, and lose. */
export function letterContract(current: () => Setting): void {
  describe('dead letters', () => {
    const now = Date.now()
    let setting: Setting
    let ledger: Ledger
    beforeEach(async () => {
      setting = current()
      ledger = new Ledger(setting.broker)
      onTestFinished(() => ledger.close())
      const { topic, broker } = setting
      await broker.ensureTopics([
        { name: topic, partitions: 2, retention: 3 * day, compacted: false },
        { name: ledgerOf(topic), partitions: 2, retention: 6 * day, compacted: false },
      ])
    })

    const originOf = (n: number) => ({ topic: 'orders', partition: 0, offset: BigInt(n) })

    /** That of the n-th record of a source. */
    function letter(n: number, failedAt: number, hops = 0) {
      const raw = { key: Buffer.from(`k${n}`), value: Buffer.from('{}'), headers: [], timestamp: 5 }
      const input = { value: {}, index: '', origin: { source: 'orders', timestamp: 5, ...originOf(n) } }
      const fault = new RecordedFault('value.bad', 'It is bad.', 'deadLetter')
      const failed = { raw, input, operator: 'paid.map', fault, attempts: 1, hops, firstFailedAt: failedAt, failedAt }
      const { topic } = setting
      return deadLetter(failed, {
        ...{ pipeline: 'shop', revision: 'r1', topic, envelope: 'headers', redact: redactor([], []) },
      })
    }

    const said = (n: number, to: Disposition, failedAt: number, hops = 0) =>
      entryRecord(setting.topic, {
        ...{ letter: letterId(originOf(n), 'paid.map', ''), to, hops, failedAt, by: 'ann', why: '', at: now },
      })

    it('are counted that their topic deletes within a day, if they are open', async () => {
      const old = now - 2.5 * day
      await setting.append(letter(1, old), letter(2, old), letter(3, now), said(2, 'discarded', old))
      expect(await ledger.counts([setting.topic], now)).toMatchObject([
        { open: 2, discarded: 1, expiring: 1, warnings: ['1 open letter will be deleted by retention within a day'] },
      ])
    })

    it('are as they failed last, in the order of their topic, whatever their hops', async () => {
      const { topic, append } = setting
      await append(
        letter(1, now - 9),
        said(1, 'redriving', now - 9),
        letter(1, now - 8, 1),
        said(1, 'resolved', now - 8, 1),
      )
      expect(await ledger.counts([topic], now)).toMatchObject([{ open: 0, resolved: 1 }])
      await append(letter(1, now - 7))
      const anew = new Ledger(setting.broker)
      for (const each of [ledger, anew])
        expect(await each.counts([topic], now)).toMatchObject([{ open: 1, resolved: 0, redriving: 0 }])
      await anew.close()
    })
  })
}
