/**
 * A windowed count on a real Kafka, Oxbow beside Kafka Streams with RocksDB in the same run: events of four partitions
 * and 100,000 keys, counted by key and hour, a result for every event. See README.md.
 *
 *   npm run bench:count
 *   OXBOW_EVENTS=200000 OXBOW_ROUNDS=1 OXBOW_GUARANTEES=exactlyOnce OXBOW_THREADS=1 npm run bench:count
 */
import { compare } from './kafka/compare.ts'
import { counters } from './kafka/counters.ts'
import { byKey } from './kafka/topics.ts'

const hour = 3_600_000
/** Before now, and not long before: what is older than a topic's retention is deleted while it is read. */
const from = Math.floor(Date.now() / hour) * hour - 3 * hour

await compare({ peers: counters, input: 'bench.counted', record: byKey(100_000, from), judge: 'countWindows.py' })
