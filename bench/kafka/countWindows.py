"""Reads a topic to its end with librdkafka, committed records only, and judges the counts in it, one for each of N events.

usage: countWindows.py BROKERS N TOPIC...
Prints one JSON object: lost, events that no count tells of; doubled, counts too many. Each value is JSON with the
window_start and the count of a key and window so far.
"""

import json
import sys

from confluent_kafka import Consumer, TopicPartition

brokers, events, *topics = sys.argv[1:]
largest = {}
read = 0
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": "count",
        "enable.auto.commit": False,
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
                value = json.loads(message.value())
                window = (message.key(), value["window_start"])
                largest[window] = max(value["count"], largest.get(window, 0))
                read += 1
consumer.close()
counted = sum(largest.values())
print(json.dumps({"lost": int(events) - counted, "doubled": read - counted}))
