import { FactHeaders, type ForeignReader } from './foreignLetter.ts'

/** The names of today, and those of before 2.6 and of retry topics. */
const prefixes = ['kafka_dlt-', 'kafka_original-', 'kafka_exception-', 'kafka_key-exception-']
/** What else Spring puts on a record on its way there. */
const added = ['retry_topic-', 'kafka_deliveryAttempt', 'springDeserializerException']

/**
 * Spring Kafka's DeadLetterPublishingRecoverer. Numbers are binary, as Java writes them. A record that came by retry topics has the
 * headers of its origin several times: the first are those of where it came from.
 */
export const readSpring: ForeignReader = ({ topic, key, value, headers, timestamp }) => {
  // What waits on a retry topic has the same headers, and may well pass.
  if (/-retry(?:-\d+)?$/.test(topic)) return undefined
  if (!new FactHeaders(headers, prefixes).areThere) return undefined
  const original = new FactHeaders(headers, ['kafka_dlt-original-', 'kafka_original-'])
  const thrown = new FactHeaders(headers, ['kafka_dlt-exception-', 'kafka_exception-', 'kafka_dlt-key-exception-', 'kafka_key-exception-']) // prettier-ignore
  const tries = new FactHeaders(headers, ['retry_topic-', 'kafka_'])
  const group = original.text('consumer-group')
  const sourceTime = numberIn(original.bytes('timestamp', 'first'), 8)
  return {
    convention: 'spring',
    pipeline: group,
    operator: group,
    fault: {
      code: thrown.text('cause-fqcn') ?? thrown.text('fqcn'),
      message: thrown.text('message'),
      stack: thrown.text('stacktrace'),
    },
    attempts: numberIn(tries.bytes('attempts') ?? tries.bytes('deliveryAttempt'), 4),
    origin: {
      topic: original.text('topic', 'first'),
      partition: numberIn(original.bytes('partition', 'first'), 4),
      offset: longIn(original.bytes('offset', 'first')),
      timestamp: sourceTime,
    },
    failedAt: timestamp,
    record: {
      key,
      value,
      headers: new FactHeaders(headers, [...prefixes, ...added]).others,
      timestamp: sourceTime ?? timestamp,
    },
  }
}

function longIn(bytes: Buffer | undefined): bigint | undefined {
  if (bytes?.length !== 8) return undefined
  const long = bytes.readBigInt64BE()
  return long < 0n ? undefined : long
}

function numberIn(bytes: Buffer | undefined, length: 4 | 8): number | undefined {
  if (bytes?.length !== length) return undefined
  const number = length === 4 ? bytes.readInt32BE() : Number(bytes.readBigInt64BE())
  return number < 0 ? undefined : number
}
