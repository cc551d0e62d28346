"""Reads topics to their ends with librdkafka, committed records only, and counts what became of the ids 0..N-1.

usage: count.py BROKERS N TOPIC...
Prints one JSON object: lost, doubled. Every value is JSON that begins with its id: the input's, and the output's.
"""

import json
import sys

from confluent_kafka import Consumer, TopicPartition

brokers, count, *topics = sys.argv[1:]
seen = bytearray(int(count))
doubled = 0
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": "count",
        "enable.auto.commit": False,
        "enable.partition.eof": False,
        "isolation.level": "read_committed",
    }
)
for topic in topics:
    for partition in consumer.list_topics(topic, timeout=30).topics[topic].partitions:
        place = TopicPartition(topic, partition)
        _, end = consumer.get_watermark_offsets(place, timeout=30)
        consumer.assign([TopicPartition(topic, partition, 0)])
        while end > 0 and consumer.position([place])[0].offset < end:
            for message in consumer.consume(10_000, timeout=1.0):
                if message.error():
                    raise SystemExit(message.error().str())
                value = message.value()
                identifier = int(value[value.index(b":") + 1 : value.index(b",")])
                doubled += seen[identifier]
                seen[identifier] = 1
consumer.close()
print(json.dumps({"lost": seen.count(0), "doubled": doubled}))
