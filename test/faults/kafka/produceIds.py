"""Produces the ids 0..N-1 with librdkafka, idempotently; each 20th is poison. usage: produceIds.py BROKERS N PARTITIONS TOPIC"""

import json
import sys

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

brokers, count, partitions, topic = sys.argv[1:5]
admin = AdminClient({"bootstrap.servers": brokers})
admin.create_topics([NewTopic(topic, int(partitions), -1)])[topic].result()
producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 20})
for identifier in range(int(count)):
    price = 1.7 if identifier % 20 == 7 else 0.4
    value = json.dumps({"id": identifier, "price": price, "market": "m%d" % (identifier % 50)})
    while True:
        try:
            producer.produce(topic, value, key=str(identifier % 997))
            break
        except BufferError:
            producer.poll(0.1)
    producer.poll(0)
if producer.flush(60):
    sys.exit("not everything was produced")
