import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Has a real broker write the dead letters of two share groups, one that copies records and one that does not, and prints the records of their
 * topics and of the source as JSON lines: what shareGroup.jsonl holds. It needs Kafka 4.4 (`org.apache.kafka:kafka_2.13:4.4.0`), as the manager
 * of dead letters in 4.3 does nothing. Argument: the bootstrap servers of a fresh node whose `share.coordinator.state.topic.replication.factor`
 * and `share.coordinator.state.topic.min.isr` are 1.
 */
public final class ShareGroup {
  private static final String SOURCE = "jobs";
  private static final Map<String, Boolean> COPIES = Map.of("dlq.copied", true, "dlq.bare", false);

  public static void main(String[] args) throws Exception {
    Map<String, Object> client = Map.of("bootstrap.servers", args[0]);
    try (var admin = Admin.create(client)) {
      admin.createTopics(List.of(new NewTopic(SOURCE, 1, (short) 1))).all().get();
      for (var letters : COPIES.keySet()) configure(admin, letters);
    }
    var writing = new HashMap<>(client);
    writing.put("key.serializer", ByteArraySerializer.class);
    writing.put("value.serializer", ByteArraySerializer.class);
    try (var producer = new KafkaProducer<byte[], byte[]>(writing)) {
      for (var value : List.of("refused", "hopeless", "fine")) {
        var record = new ProducerRecord<>(SOURCE, 0, 1_767_873_600_000L, bytes("k"), bytes(value));
        record.headers().add("trace", bytes("abc")).add("trace", null);
        producer.send(record).get();
      }
    }
    for (var letters : COPIES.keySet()) work(client, letters);
    for (var topic : List.of(SOURCE, "dlq.copied", "dlq.bare")) print(client, topic);
  }

  private static void configure(Admin admin, String letters) throws Exception {
    var enabled = Map.of("errors.deadletterqueue.group.enable", "true");
    admin.createTopics(List.of(new NewTopic(letters, 1, (short) 1).configs(enabled))).all().get();
    var settings = Map.of(
        "share.auto.offset.reset", "earliest",
        "errors.deadletterqueue.topic.name", letters,
        "errors.deadletterqueue.copy.record.enable", COPIES.get(letters).toString());
    var changes = settings.entrySet().stream()
        .map(setting -> new AlterConfigOp(new ConfigEntry(setting.getKey(), setting.getValue()), AlterConfigOp.OpType.SET))
        .toList();
    admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, groupOf(letters)), changes)).all().get();
  }

  private static String groupOf(String letters) {
    return "workers of " + letters;
  }

  /** One record is refused, one given back until Kafka gives it up, one taken: seven deliveries. */
  private static void work(Map<String, Object> client, String letters) {
    var reading = reading(client);
    reading.put("group.id", groupOf(letters));
    reading.put("share.acknowledgement.mode", "explicit");
    try (var consumer = new KafkaShareConsumer<byte[], byte[]>(reading)) {
      consumer.subscribe(List.of(SOURCE));
      for (int delivered = 0; delivered < 7; consumer.commitSync()) {
        for (var record : consumer.poll(Duration.ofMillis(500))) {
          delivered++;
          consumer.acknowledge(record, switch (new String(record.value(), StandardCharsets.UTF_8)) {
            case "refused" -> AcknowledgeType.REJECT;
            case "hopeless" -> AcknowledgeType.RELEASE;
            default -> AcknowledgeType.ACCEPT;
          });
        }
      }
    }
  }

  private static void print(Map<String, Object> client, String topic) {
    var found = new ArrayList<String>();
    var place = new TopicPartition(topic, 0);
    try (var consumer = new KafkaConsumer<byte[], byte[]>(reading(client))) {
      consumer.assign(List.of(place));
      consumer.seekToBeginning(List.of(place));
      while (found.size() < (topic.equals(SOURCE) ? 3 : 2)) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) {
          var headers = StreamSupport.stream(record.headers().spliterator(), false)
              .map(header -> "[%s, %s]".formatted(json(bytes(header.key())), json(header.value())))
              .collect(Collectors.joining(", ", "[", "]"));
          found.add("{\"topic\": \"%s\", \"offset\": %d, \"timestamp\": %d, \"key\": %s, \"value\": %s, \"headers\": %s}".formatted(
              topic, record.offset(), record.timestamp(), json(record.key()), json(record.value()), headers));
        }
      }
    }
    found.forEach(System.out::println);
  }

  private static HashMap<String, Object> reading(Map<String, Object> client) {
    var reading = new HashMap<>(client);
    reading.put("key.deserializer", ByteArrayDeserializer.class);
    reading.put("value.deserializer", ByteArrayDeserializer.class);
    return reading;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String json(byte[] text) {
    return text == null ? "null" : '"' + new String(text, StandardCharsets.UTF_8) + '"';
  }
}
