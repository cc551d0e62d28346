"""Reads topics to their ends with librdkafka, committed records only, and counts what became of the ids 0..N-1.

usage: verdict.py BROKERS N PARTITIONS OUT DLQ
Prints one JSON object: lost, doubled, disordered (a key whose ids do not rise), out, dead.
The id of a record of OUT is in its value, that of a dead letter too, for its bytes are those of the source.
"""

import json
import sys

from confluent_kafka import Consumer, TopicPartition

brokers, count, _, out, dlq = sys.argv[1:6]
count = int(count)
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": "verdict",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
    }
)


def read(topic):
    """All records of a topic, partition by partition."""
    known = consumer.list_topics(topic, timeout=30).topics[topic]
    if known.error:
        return
    for partition in known.partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
        if low == high:
            continue
        consumer.assign([TopicPartition(topic, partition, low)])
        idle = 0
        while idle < 3:
            messages = consumer.consume(5000, timeout=1.0)
            for message in messages:
                if not message.error():
                    yield partition, message.key(), json.loads(message.value())["id"]
            position = consumer.position([TopicPartition(topic, partition)])[0].offset
            if position >= high:
                break
            idle = 0 if messages else idle + 1


seen = [0] * count
last = {}
disordered = 0
totals = {out: 0, dlq: 0}
for topic in (out, dlq):
    for partition, key, identifier in read(topic):
        seen[identifier] += 1
        totals[topic] += 1
        place = (topic, partition, key)
        if identifier < last.get(place, -1):
            disordered += 1
        last[place] = identifier
print(
    json.dumps(
        {
            "lost": sum(1 for times in seen if times == 0),
            "doubled": sum(times - 1 for times in seen if times > 1),
            "disordered": disordered,
            "out": totals[out],
            "dead": totals[dlq],
        }
    )
)
consumer.close()
