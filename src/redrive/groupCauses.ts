import type { Broker, TopicInfo } from '../broker/broker.ts'
import { decodeValue } from '../component/value.ts'
import { suggestedCauses, type Cause } from '../deadletter/cause.ts'
import type { LetterGroup } from '../deadletter/ledger/groups.ts'
import type { Ledger } from '../deadletter/ledger/ledger.ts'
import { letterId } from '../deadletter/letter.ts'
import { readLetter, type Letter } from '../deadletter/readLetter.ts'
import type { StoredRecord } from '../record/record.ts'

/** So many letters are compared with so many records that passed: the latest of each. */
const mostLetters = 100
const mostHealthy = 300

/** What may be why the letters of a group failed: how they differ from records of their source that did not. */
export async function causesOf(
  { broker, ledger }: { readonly broker: Broker; readonly ledger: Ledger },
  { topic, fingerprint, operator }: Pick<LetterGroup, 'topic' | 'fingerprint' | 'operator'>,
): Promise<readonly Cause[]> {
  const { letters: indexed } = ledger.page({ topic, fingerprint }, mostLetters)
  const read = await Promise.all(indexed.map((place) => broker.read(place, 1)))
  const letters = read.flatMap(({ records }) => (records[0] && readLetter(records[0])) ?? [])
  const died = (record: StoredRecord) => ledger.letter(letterId(record, operator, '')) !== undefined
  const infos = await broker.topics([...new Set(letters.map(({ origin }) => origin.topic))])
  const latest = await Promise.all(infos.map((info) => latestOf(broker, info)))
  const healthy = latest.flat().filter((record) => !died(record))
  return suggestedCauses(
    letters.flatMap(({ record }: Letter) => valueOf(record)),
    healthy.flatMap(valueOf),
  )
}

async function latestOf(broker: Broker, { name: topic, partitions }: TopicInfo): Promise<readonly StoredRecord[]> {
  const each = Math.ceil(mostHealthy / partitions.length)
  const batches = await Promise.all(
    partitions.map(({ partition, start, end }) => {
      const from = end - BigInt(each)
      return broker.read({ topic, partition, offset: from > start ? from : start }, each)
    }),
  )
  return batches.flatMap(({ records }) => records)
}

const valueOf = ({ value }: { readonly value: Buffer | null }): unknown[] => {
  const decoded = decodeValue(value, 'json')
  return 'value' in decoded ? [decoded.value] : []
}
