import { FactHeaders, type ForeignReader } from './foreignLetter.ts'

/**
 * Kafka Connect, with `errors.deadletterqueue.context.headers.enable`. A letter has the time of its source record, so nothing
 * says when it failed.
 */
export const readConnect: ForeignReader = ({ key, value, headers, timestamp }) => {
  const facts = new FactHeaders(headers, ['__connect.errors.'])
  if (!facts.areThere) return undefined
  const connector = facts.text('connector.name')
  const stage = facts.text('stage')
  return {
    convention: 'connect',
    pipeline: connector,
    operator: [connector, stage].filter(Boolean).join('.') || undefined,
    fault: {
      code: facts.text('exception.class.name'),
      message: facts.text('exception.message'),
      stack: facts.text('exception.stacktrace'),
    },
    origin: {
      topic: facts.text('topic'),
      partition: facts.number('partition'),
      offset: facts.offset('offset'),
      timestamp,
    },
    record: { key, value, headers: facts.others, timestamp },
  }
}
