"""Writes numbered records and counts what becomes of them, with librdkafka alone. usage: observer.py BROKERS

It takes requests on standard input and answers each on standard output, both one JSON object a line:

  open {source, outs, partitions, repeats, counts}  creates the source topic; outs are [where records go, where dead letters go]
  produce {rate, ahead}                     writes ids from the next one on, at once until so many are ahead of what has
                                            come out, then at a rate a second, until paused; answers the first
  pause {}                                  answers the id after the last, once all are acknowledged
  progress {from, to}                       how many ids of a range have come out; without `to`, of those written so far
  drain {}                                  waits until nothing more can come: all transactions ended, all topics read
  count {from, to}                          {lost, doubled, disordered, miscounted, undercounted} of a range
  totals {}                                 records written, and those in each of outs
  configure {topic, name, value}            sets one setting of a topic
  elect {}                                  makes the preferred replicas of all partitions their leaders
  close {}                                  deletes the topics

Each 20th id is poison. With `repeats`, each id is written once more a while later: who removes duplicates emits it once.
An id counts as out of order when one of its key that is larger came first into the same topic.

With `counts`, what comes out counts the ids so far of a market and window of time. A market and window is miscounted when
its counts are not 1, 2, 3 to what is counted here, undercounted when the last of them is too small. Order is not looked at:
ids of a market come from all partitions.
"""

import json
import sys
import threading
import time
from collections import Counter

from confluent_kafka import Consumer, ElectionType, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

brokers = sys.argv[1]
admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
keys = 97
repeat_after = 300
markets = 50
first_time = 1700000000000
ids_of_window = 1000  # of a second: an id is a millisecond


def is_poison(identifier):
    return identifier % 20 == 7


def market_of(identifier):
    return "m%d" % (identifier % markets)


def window_of(identifier):
    """When the window of an id begins, as Oxbow says it."""
    second = (first_time + identifier) // ids_of_window
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(second))


def window_after(identifier):
    """The first id of the first window that begins at an id or after it."""
    return -(-identifier // ids_of_window) * ids_of_window


class Writer(threading.Thread):
    """Writes ids."""

    def __init__(self, topic, repeats, reader):
        super().__init__(daemon=True)
        self.reader = reader
        self.topic = topic
        self.repeats = repeats
        self.next = 0
        self.written = 0
        self.rate = 0
        self.failure = None
        self.running = threading.Event()
        self.idle = threading.Event()
        self.idle.set()
        self.producer = Producer(
            {
                "bootstrap.servers": brokers,
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": 120000,
                "log_level": 0,
            }
        )
        self.start()

    def produce(self, rate, ahead):
        self.rate = rate
        self.ahead = ahead
        self.due = time.monotonic() - ahead / rate
        self.idle.clear()
        self.running.set()
        return self.next

    def pause(self):
        self.running.clear()
        self.idle.wait()
        if self.producer.flush(120) or self.failure:
            raise RuntimeError("not everything was written: %s" % self.failure)
        return self.next

    def run(self):
        while True:
            self.running.wait()
            while self.running.is_set():
                now = time.monotonic()
                while self.due < now:
                    if self.next - self.reader.distinct >= self.ahead:
                        self.due = now
                        break
                    self.due += 1 / self.rate
                    self.write_id(self.next)
                    if self.repeats and self.next >= repeat_after:
                        self.write_id(self.next - repeat_after)
                    self.next += 1
                self.producer.poll(0.002)
            if self.repeats:
                for identifier in range(max(0, self.next - repeat_after), self.next):
                    self.write_id(identifier)
            self.idle.set()

    def write_id(self, identifier):
        price = 1.7 if is_poison(identifier) else 0.4
        content = (identifier, price, market_of(identifier), first_time + identifier)
        value = '{"id":%d,"price":%s,"market":"%s","at":%d}' % content
        while True:
            try:
                self.producer.produce(self.topic, value, key=str(identifier % keys), on_delivery=self.delivered)
                self.written += 1
                return
            except BufferError:
                self.producer.poll(0.01)

    def delivered(self, error, _):
        self.failure = self.failure or error


class Reader(threading.Thread):
    """Reads committed records of topics from their beginning, as they come."""

    def __init__(self, topics, counts):
        super().__init__(daemon=True)
        self.topics = topics
        self.counted = {} if counts else None
        self.times = []
        self.distinct = 0
        self.disordered = []
        self.largest = {}
        self.totals = {topic: 0 for topic in topics}
        self.ends = {}
        self.stopped = False
        self.consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "observer",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 100,
                "topic.metadata.refresh.interval.ms": 2000,
                "log_level": 0,
            }
        )
        self.start()

    def run(self):
        assigned = set()
        looked = 0
        while not self.stopped:
            if len(assigned) < 2 and time.monotonic() - looked > 0.5:
                looked = time.monotonic()
                for topic in self.topics:
                    if topic not in assigned and self.partitions(topic):
                        assigned.add(topic)
                        places = [TopicPartition(topic, partition, 0) for partition in self.partitions(topic)]
                        self.consumer.incremental_assign(places)
            for message in self.consumer.consume(2000, timeout=0.1):
                self.take(message)
        self.consumer.close()

    def partitions(self, topic):
        known = admin.list_topics(timeout=30).topics.get(topic)
        return list(known.partitions) if known and not known.error else []

    def take(self, message):
        place = (message.topic(), message.partition())
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                self.ends[place] = message.offset()
            return
        value = json.loads(message.value())
        identifier = value["id"]
        if self.counted is not None and "count" in value:
            window = (message.key().decode(), value["window_start"])
            self.counted.setdefault(window, []).append(value["count"])
        self.totals[message.topic()] += 1
        if identifier >= len(self.times):
            self.times.extend([0] * (identifier + 1 - len(self.times)))
        self.times[identifier] += 1
        if self.times[identifier] > 1:
            return
        self.distinct += 1
        if self.counted is not None:
            return
        key = (message.topic(), message.key())
        if identifier < self.largest.get(key, -1):
            self.disordered.append(identifier)
        self.largest[key] = max(identifier, self.largest.get(key, -1))

    def seen(self, start, end):
        return sum(1 for times in self.times[start:end] if times)

    def drain(self, patience=90):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            places = [TopicPartition(topic, partition) for topic in self.topics for partition in self.partitions(topic)]
            try:
                highs = {(at.topic, at.partition): self.consumer.get_watermark_offsets(at, timeout=10)[1] for at in places}
            except Exception:
                continue
            if all(self.ends.get(place, -1) >= high for place, high in highs.items()):
                return
            time.sleep(0.1)
        raise RuntimeError("an open transaction keeps records from being read: %s of %s" % (self.ends, highs))

    def count(self, start, end, written):
        times = (self.times + [0] * max(0, end - len(self.times)))[start:end]
        return {
            "lost": sum(1 for each in times if each == 0),
            "doubled": sum(each - 1 for each in times if each > 1),
            "disordered": sum(1 for each in self.disordered if start <= each < end),
            **self.judge_counts(start, end, written),
        }

    def judge_counts(self, start, end, written):
        """Of the windows that begin in a range, against the ids that were written."""
        if self.counted is None:
            return {"miscounted": 0, "undercounted": 0}
        expected = Counter()
        for identifier in range(window_after(start), min(written, window_after(end))):
            if not is_poison(identifier):
                expected[(market_of(identifier), window_of(identifier))] += 1
        found = [(self.counted.get(name, [0]), count) for name, count in expected.items()]
        return {
            "miscounted": sum(1 for counts, count in found if counts != list(range(1, count + 1))),
            "undercounted": sum(1 for counts, count in found if counts[-1] < count),
        }


def resolve(futures):
    return [future.result() for future in futures.values()]


class Observer:
    def open(self, source, outs, partitions, repeats, counts):
        resolve(admin.create_topics([NewTopic(source, partitions, -1)]))
        self.topics = [source, *outs]
        self.reader = Reader(outs, counts)
        self.writer = Writer(source, repeats, self.reader)

    def produce(self, rate, ahead):
        return self.writer.produce(rate, ahead)

    def pause(self):
        return self.writer.pause()

    def progress(self, to=None, **range):
        end = self.writer.next if to is None else to
        return {"written": end - range["from"], "seen": self.reader.seen(range["from"], end)}

    def drain(self):
        self.reader.drain()

    def count(self, to, **range):
        return self.reader.count(range["from"], to, self.writer.next)

    def totals(self):
        return {"written": self.writer.written, "outs": [self.reader.totals[topic] for topic in self.reader.topics]}

    def configure(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        resolve(admin.incremental_alter_configs([resource]))

    def elect(self):
        admin.elect_leaders(ElectionType.PREFERRED, None).result()

    def close(self):
        self.reader.stopped = True
        self.reader.join()
        admin.delete_topics(self.topics)


observer = Observer()
for line in sys.stdin:
    request = json.loads(line)
    operation = request.pop("operation")
    try:
        answer = {"answer": getattr(observer, operation)(**request)}
    except Exception as failure:
        answer = {"failure": "%s: %s" % (operation, failure)}
    print(json.dumps(answer), flush=True)
