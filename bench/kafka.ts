/**
 * The workload of the design's budgets on a real Kafka, Oxbow beside its peers in the same run: events of four
 * partitions, one in twenty of them poison, to a topic and a dead-letter topic. See README.md.
 *
 *   npm run bench:kafka
 *   OXBOW_EVENTS=200000 OXBOW_ROUNDS=1 OXBOW_PEERS="Oxbow,Kafka Streams" OXBOW_THREADS=1 npm run bench:kafka
 */
import { compare } from './kafka/compare.ts'
import { peers } from './kafka/peers.ts'
import { byMarket } from './kafka/topics.ts'

await compare({ peers, input: 'bench.prices', record: byMarket, judge: 'count.py' })
