"""Writes or reads a topic with librdkafka: codecs.py BROKERS TOPIC write CODEC VALUE... | codecs.py BROKERS TOPIC read COUNT"""
import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

brokers, topic, what, *rest = sys.argv[1:]
if what == "write":
    codec, *values = rest
    producer = Producer({"bootstrap.servers": brokers, "compression.type": codec, "linger.ms": 50})
    for value in values:
        producer.produce(topic, value=value, key="k", headers=[("h", "1"), ("h", None)])
    if producer.flush(20) > 0:
        sys.exit("not everything was written")
else:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "codecs", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = []
    while len(values) < int(rest[0]):
        message = consumer.poll(20)
        if message is None or message.error():
            sys.exit(f"only {len(values)} were read: {message and message.error()}")
        values.append(message.value().decode())
    consumer.close()
    print(json.dumps(values))
