import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.ConnectMetrics;
import org.apache.kafka.connect.runtime.SinkConnectorConfig;
import org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter;
import org.apache.kafka.connect.runtime.errors.ErrorHandlingMetrics;
import org.apache.kafka.connect.runtime.errors.ProcessingContext;
import org.apache.kafka.connect.runtime.errors.Stage;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.util.ConnectorTaskId;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.ListenerExecutionFailedException;
import org.springframework.kafka.listener.TimestampedException;

/**
 * Has the dead letters of Kafka Connect, Spring Kafka and Kafka Streams written by their own code to a real Kafka, of records that they read
 * from its topics. Arguments: its bootstrap servers, and what the names of topics begin with: the sources are PREFIX.connect, PREFIX.spring and
 * PREFIX.streams, each with its dead-letter topic PREFIX.….dlq. All topics must be there, with one partition.
 */
public final class Foreign {
  private static final long TIME = 1_767_873_600_000L;

  public static void main(String[] args) throws Exception {
    String servers = args[0];
    var sources = List.of(args[1] + ".connect", args[1] + ".spring", args[1] + ".streams");
    try (var producer = new KafkaProducer<byte[], byte[]>(producer(servers))) {
      for (byte[] value : List.of(bytes("oops"), bytes("{\"price\":"), bytes("{\"price\": 1}"))) send(producer, sources.get(0), value);
      for (byte[] value : List.of(bytes("two"), bytes("three"), bytes("-7"))) send(producer, sources.get(1), value);
      for (byte[] value : List.of(new byte[8], new byte[8], new byte[] {1, 2, 3})) send(producer, sources.get(2), value);
    }
    connect(servers, sources.get(0), sources.get(0) + ".dlq");
    spring(servers, sources.get(1), sources.get(1) + ".dlq");
    streams(servers, sources.get(2), sources.get(2) + ".dlq");
    System.exit(0);
  }

  /** Records that are no JSON, for its converter; reported as a worker's task does. */
  private static void connect(String servers, String source, String letters) throws Exception {
    Map<String, String> connector = Map.of(
        "name", "orders-sink", "connector.class", "any", "topics", source,
        "errors.deadletterqueue.topic.name", letters,
        "errors.deadletterqueue.topic.replication.factor", "1",
        "errors.deadletterqueue.context.headers.enable", "true");
    Map<String, String> worker = Map.of(
        "bootstrap.servers", servers, "offset.storage.file.filename", "none",
        "key.converter", JsonConverter.class.getName(), "value.converter", JsonConverter.class.getName());
    var task = new ConnectorTaskId("orders-sink", 0);
    var metrics = new ErrorHandlingMetrics(task, new ConnectMetrics("worker", new StandaloneConfig(worker), Time.SYSTEM, "cluster"));
    var converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", "false"), false);
    var reporter = DeadLetterQueueReporter.createAndSetup(
        Map.of("bootstrap.servers", servers), task, new SinkConnectorConfig(new Plugins(Map.of("plugin.discovery", "service_load")), connector), producer(servers), metrics);
    for (var record : records(servers, source)) {
      var context = new ProcessingContext<>(record);
      try {
        converter.toConnectData(source, record.value());
        context.currentContext(Stage.TASK_PUT, Foreign.class);
        write(record);
      } catch (Exception thrown) {
        if (context.stage() == null) context.currentContext(Stage.VALUE_CONVERTER, JsonConverter.class);
        context.error(thrown);
      }
      reporter.report(context).get();
    }
    reporter.close();
  }

  private static void write(ConsumerRecord<byte[], byte[]> record) {
    throw new IllegalStateException("no row " + record.offset() + " in the table");
  }

  /** A listener that fails. */
  private static void spring(String servers, String source, String letters) {
    var template = new KafkaTemplate<byte[], byte[]>(new DefaultKafkaProducerFactory<>(producer(servers)));
    var recoverer = new DeadLetterPublishingRecoverer(template, (record, thrown) -> new org.apache.kafka.common.TopicPartition(letters, 0));
    for (var record : records(servers, source)) {
      try {
        amount(record);
      } catch (RuntimeException thrown) {
        recoverer.accept(record, null, new ListenerExecutionFailedException("Listener failed", "billing", new TimestampedException(thrown)));
      }
    }
    template.destroy();
  }

  private static void amount(ConsumerRecord<byte[], byte[]> record) {
    int amount = Integer.parseInt(new String(record.value(), StandardCharsets.UTF_8));
    if (amount < 0) throw new IllegalArgumentException("amount " + amount + " is below zero");
  }

  /** A topology that fails, and bytes that are no long. */
  private static void streams(String servers, String source, String letters) throws Exception {
    var builder = new StreamsBuilder();
    builder.<byte[], Long>stream(source).mapValues(count -> 100 / count).foreach((key, share) -> {});
    var properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, source + "-shares");
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
    properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.LongSerde.class);
    properties.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueProcessingExceptionHandler.class);
    properties.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);
    properties.put(StreamsConfig.ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME_CONFIG, letters);
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    properties.put("auto.offset.reset", "earliest");
    try (var streams = new KafkaStreams(builder.build(), properties)) {
      streams.start();
      records(servers, letters);
    }
  }

  private static final int RECORDS = 3;

  /** The records of a topic, as soon as there are all. */
  private static List<ConsumerRecord<byte[], byte[]>> records(String servers, String topic) {
    Map<String, Object> settings = Map.of("bootstrap.servers", servers, "auto.offset.reset", "earliest");
    var found = new ArrayList<ConsumerRecord<byte[], byte[]>>();
    try (var consumer = new KafkaConsumer<byte[], byte[]>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(List.of(new org.apache.kafka.common.TopicPartition(topic, 0)));
      while (found.size() < RECORDS) consumer.poll(Duration.ofSeconds(1)).forEach(found::add);
    }
    return found;
  }

  private static void send(KafkaProducer<byte[], byte[]> producer, String topic, byte[] value) throws Exception {
    producer.send(new ProducerRecord<>(topic, 0, TIME, bytes("k"), value, headers())).get();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Map<String, Object> producer(String servers) {
    return new HashMap<>(Map.of(
        "bootstrap.servers", servers,
        "key.serializer", ByteArraySerializer.class.getName(),
        "value.serializer", ByteArraySerializer.class.getName()));
  }

  private static RecordHeaders headers() {
    var headers = new RecordHeaders();
    headers.add("trace", bytes("abc"));
    headers.add("trace", null);
    return headers;
  }
}
