import { FactHeaders, type ForeignReader } from './foreignLetter.ts'

/**
 * Share groups of Kafka itself (KIP-1191, Kafka 4.4): the broker writes the letter, and copies nothing of the source record's headers and time; of its
 * key and value nothing either unless the group has `errors.deadletterqueue.copy.record.enable`.
 */
export const readShareGroup: ForeignReader = ({ key, value, headers, timestamp }) => {
  const facts = new FactHeaders(headers, ['__dlq.errors.'])
  if (!facts.areThere) return undefined
  const group = facts.text('group')
  const message = facts.text('message')
  return {
    convention: 'shareGroup',
    pipeline: group,
    operator: group,
    fault: { code: message && /reject/i.test(message) ? 'record.rejected' : 'record.undelivered', message, stack: '' },
    attempts: facts.number('delivery.count'),
    origin: { topic: facts.text('topic'), partition: facts.number('partition'), offset: facts.offset('offset') },
    failedAt: timestamp,
    record: { key, value, headers: facts.others, timestamp },
    ...(key === null && value === null && { isWithoutRecord: true }),
  }
}
