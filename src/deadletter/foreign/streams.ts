import { FactHeaders, type ForeignReader } from './foreignLetter.ts'

/**
 * Kafka Streams, with `errors.dead.letter.queue.topic.name`. A letter has the time of its source record, so nothing says
 * when it failed, nor which application and which of its processors it was.
 */
export const readStreams: ForeignReader = ({ key, value, headers, timestamp }) => {
  const facts = new FactHeaders(headers, ['__streams.errors.'])
  if (!facts.areThere) return undefined
  return {
    convention: 'streams',
    fault: { code: facts.text('exception'), message: facts.text('message'), stack: facts.text('stacktrace') },
    origin: {
      topic: facts.text('topic'),
      partition: facts.number('partition'),
      offset: facts.offset('offset'),
      timestamp,
    },
    record: { key, value, headers: facts.others, timestamp },
  }
}
